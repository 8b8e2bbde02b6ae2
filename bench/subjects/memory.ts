import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { freePort } from '@ai-governance/infra/local/ports'
import { residentBytes } from '@ai-governance/infra/test-support/resident-memory'
import type { ServiceProcess } from '@ai-governance/infra/test-support/service-process'
import { closedLoop } from '../load/load.ts'
import { type Call, requestText } from '../load/request-text.ts'
import { interleave } from '../load/rounds.ts'
import { answers, end, spawnBareRoute } from '../peers/processes.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { type Ground, readsProc, servicesOf } from './ground.ts'
import { registrations } from './registrations.ts'

const MIB = 1_048_576
const BARE = 'a bare Fastify server'
/** After this long a process that only just answered has done what it had to do at its start. */
const SETTLED_MS = 2_000
const SAMPLE_MS = 250

/**
 * Resident memory in MiB: of each service when it was just started and has nothing to do, beside a Fastify server with one
 * route; and after a load of gate, appends and registrations by 64 callers: where it stands then, and at most.
 * A minute of load, ten seconds with --quick. Linux only.
 */
export async function benchMemory(ground: Ground): Promise<Figure[]> {
  if (!readsProc(ground, 'resident memory')) return []
  const { stack, rounds, isQuick, say } = ground
  const services = servicesOf(stack)
  const restart = (service: ServiceProcess) => async () => {
    await service.end('SIGTERM')
    await service.start()
    await sleep(SETTLED_MS)
    return residentMiB(service.pid() as number)
  }
  const contenders = {
    [BARE]: bareMiB,
    ...Object.fromEntries(
      Object.entries(services).map(([name, service]) => [name, restart(service)]),
    ),
  }
  const idle = await interleave('memory, idle', contenders, rounds.count, say)
  const seconds = isQuick ? 10 : 60
  say(`memory: ${seconds} s of load`)
  const most = Object.fromEntries(Object.keys(services).map((name) => [name, 0]))
  const sampler = setInterval(() => {
    for (const [name, service] of Object.entries(services)) {
      most[name] = Math.max(most[name] ?? 0, residentMiB(service.pid() as number))
    }
  }, SAMPLE_MS)
  await loadAll(stack.gateway.url, seconds).finally(() => clearInterval(sampler))
  await sleep(SETTLED_MS)
  const unit = 'MiB'
  const loaded = Object.entries(services).flatMap(([name, service]): Figure[] => [
    { name, what: `at most in ${seconds} s of load`, unit, values: [most[name] ?? 0] },
    { name, what: 'after it', unit, values: [residentMiB(service.pid() as number)] },
  ])
  const atRest = Object.entries(idle).map(
    ([name, values]): Figure => ({
      ...{ name, what: 'idle', unit, values },
      ratios: name === BARE ? [] : ratioTo('bare Fastify', values, idle[BARE]),
    }),
  )
  return [...atRest, ...loaded]
}

/** Everything goes through the gateway, by which it is the busiest. */
async function loadAll(gateway: string, seconds: number): Promise<void> {
  const loads: [calls: Call[], connections: number][] = [
    [
      [
        {
          url: `${gateway}/api/v1/gate`,
          body: { subject: EVENT.subject, payload: EXAMPLE_PAYLOAD },
        },
      ],
      24,
    ],
    [[{ url: `${gateway}/mcp-audit/log`, body: EVENT }], 24],
    [registrations(`${gateway}/mcp-lineage/register`), 16],
  ]
  await Promise.all(
    loads.map(([calls, connections]) =>
      closedLoop({ runs: calls.map((call) => [requestText(call)]), connections, seconds }),
    ),
  )
}

async function bareMiB(): Promise<number> {
  const port = await freePort()
  const child = spawnBareRoute(port, 2)
  await answers(`http://127.0.0.1:${port}/`)
  await sleep(SETTLED_MS)
  const mib = residentMiB(child.pid as number)
  await end(child)
  return mib
}

function residentMiB(pid: number): number {
  return residentBytes(pid) / MIB
}
