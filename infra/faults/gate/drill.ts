import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../test-support/service-process.ts'
import { countBetween, loadIsWorth } from '../campaign-findings.ts'
import type { Finding } from '../findings.ts'
import { reaches } from '../wait.ts'
import type { World } from '../world.ts'
import { readDecisions } from './decisions.ts'
import type { GateDriverConfig } from './driver.ts'
import { gateFindings } from './gate-findings.ts'
import { type Answer, readAnswers } from './history.ts'

export interface GateDrillOptions {
  folder: string
  clients: number
  calls: number
  /** How often something is struck; each of the strikes in turn. */
  strikes: number
  /** How long mcp-audit hangs, in ms. */
  hang: number
  /** Whether the load is judged too, which says nothing of a run of moments. */
  isTimed: boolean
  say: (line: string) => void
}

/** In ms. */
const SECOND = 1_000

interface Strike {
  name: string
  strike: (world: World) => Promise<void>
}

/** Calls the gate while what it calls, and it itself, are killed, stopped and made to hang. */
export async function gateDrill(world: World, options: GateDrillOptions): Promise<Finding[]> {
  const { folder, clients, calls, strikes, say } = options
  const historyFile = join(folder, 'gate.ndjson')
  const gatewayUrl = world.gateway?.url
  if (gatewayUrl === undefined || !world.policy) throw new Error('this world has no gate')
  const driver = startDriver({ gatewayUrl, clients, calls, historyFile })
  const all = strikesOf(options.hang)
  const struck: { name: string; at: number; mendedAt: number }[] = []
  // Each in the midst of decisions, with more than the second on either side by which I7 judges the load.
  const decide = async () => {
    await driver.decisions(Math.floor(calls / (strikes + 1)))
    await sleep(SECOND)
  }
  try {
    await decide()
    for (let n = 0; n < strikes; n++) {
      const { name, strike } = all[n % all.length] as Strike
      say(`gate: ${n + 1} of ${strikes}, ${name}`)
      const at = Date.now()
      await strike(world)
      struck.push({ name, at, mendedAt: Date.now() })
      await decide()
    }
    await driver.end()
  } finally {
    driver.kill()
  }
  const answers = await readAnswers(historyFile)
  const decisions = await readDecisions(world.server.ownerUrl)
  const { chainFault } = await world.readFacts()
  return [
    ...[...Map.groupBy(struck, ({ name }) => name)].map(([what, { length }]) => ({
      what,
      figure: `${length} times`,
      holds: null,
    })),
    ...gateFindings(answers, decisions, calls, chainFault),
    loadAround(answers, struck, options.isTimed),
  ]
}

/** I7, with decisions alone as what is acknowledged. */
function loadAround(
  answers: readonly Answer[],
  struck: readonly { at: number; mendedAt: number }[],
  isTimed: boolean,
): Finding {
  const decidedAt = answers.flatMap(({ decided, at }) => (decided ? [at] : []))
  const rates = struck.flatMap(({ at, mendedAt }) => {
    const back = decidedAt.find((time) => time >= mendedAt) ?? Number.POSITIVE_INFINITY
    return [countBetween(decidedAt, at - SECOND, at), countBetween(decidedAt, back, back + SECOND)]
  })
  return loadIsWorth(rates, isTimed)
}

function strikesOf(hang: number): Strike[] {
  const audit = (world: World) => world.audits[0] as ServiceProcess
  const kill = async (service: ServiceProcess) => {
    await service.end('SIGKILL')
    await service.start()
  }
  return [
    { name: 'SIGKILL of mcp-audit', strike: (world) => kill(audit(world)) },
    {
      name: 'mcp-audit hangs, and is killed while it does',
      strike: async (world) => {
        process.kill(audit(world).pid() as number, 'SIGSTOP')
        await sleep(hang)
        await kill(audit(world))
      },
    },
    {
      name: 'mcp-audit hangs, and goes on',
      strike: async (world) => {
        const pid = audit(world).pid() as number
        process.kill(pid, 'SIGSTOP')
        await sleep(hang)
        process.kill(pid, 'SIGCONT')
      },
    },
    {
      name: 'mcp-audit is stopped for a while',
      strike: async (world) => {
        await audit(world).end('SIGTERM')
        await sleep(hang)
        await audit(world).start()
      },
    },
    { name: 'SIGKILL of mcp-gateway', strike: (world) => kill(world.gateway as ServiceProcess) },
    { name: 'SIGKILL of mcp-policy', strike: (world) => kill(world.policy as ServiceProcess) },
    {
      name: 'SIGKILL of all PostgreSQL processes',
      strike: async ({ server }) => {
        await server.kill()
        await server.start()
      },
    },
  ]
}

function startDriver(config: GateDriverConfig) {
  const child = fork(join(import.meta.dirname, 'driver.ts'), [JSON.stringify(config)])
  let decided = 0
  child.on('message', (count) => {
    decided = count as number
  })
  const exited = once(child, 'exit')
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const counted = { done: 'decided', count: () => decided, isOver }
  return {
    decisions: (more: number) => reaches(counted, decided + more),
    async end() {
      child.send('stop')
      const [code] = await exited
      if (code !== 0) throw new Error(`the driver ended with ${code}`)
    },
    kill: () => {
      if (!isOver()) child.kill('SIGKILL')
    },
  }
}
