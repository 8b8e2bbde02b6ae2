import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@ai-governance/infra/local/ports'
import type { ServiceProcess } from '@ai-governance/infra/test-support/service-process'
import { interleave } from '../load/rounds.ts'
import { end, spawnBareRoute } from '../peers/processes.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { type Ground, servicesOf } from './ground.ts'

const NODE = 'node -e 0, to its end'
const BARE = 'a bare Fastify server, to its first answer'
/** The smallest step of the measurement, in ms. */
const POLL_MS = 2

/**
 * Time from the start of a process to the first 200 of its /readyz, in ms, while all others are up; beside Node itself and a
 * Fastify server with one route. Compiled code is cached for all of them, as in the images.
 */
export async function benchStart({ stack, rounds, say }: Ground): Promise<Figure[]> {
  const services = servicesOf(stack)
  const restart = (service: ServiceProcess) => async () => {
    await service.end('SIGTERM')
    const from = performance.now()
    const started = service.start()
    await Promise.race([
      untilAnswered(`${service.url}/readyz`),
      started.then(() => new Promise(() => {})),
    ])
    const ms = performance.now() - from
    await started
    return ms
  }
  const contenders = {
    [NODE]: async () => {
      const from = performance.now()
      await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
      return performance.now() - from
    },
    [BARE]: startBare,
    ...Object.fromEntries(
      Object.entries(services).map(([name, service]) => [`${name}, to ready`, restart(service)]),
    ),
  }
  const measured = await interleave('start', contenders, rounds.count, say)
  return Object.entries(measured).map(
    ([name, values]): Figure => ({
      ...{ name, what: 'time', unit: 'ms', values },
      ratios: name === NODE || name === BARE ? [] : ratioTo('bare Fastify', values, measured[BARE]),
    }),
  )
}

async function startBare(): Promise<number> {
  const port = await freePort()
  const from = performance.now()
  const child = spawnBareRoute(port, 2)
  await untilAnswered(`http://127.0.0.1:${port}/validate`, { method: 'POST' })
  const ms = performance.now() - from
  await end(child)
  return ms
}

async function untilAnswered(url: string, options: RequestInit = {}): Promise<void> {
  while (!(await isOk(url, options))) await sleep(POLL_MS)
}

function isOk(url: string, options: RequestInit): Promise<boolean> {
  return fetch(url, options).then(
    (response) => response.ok,
    () => false,
  )
}
