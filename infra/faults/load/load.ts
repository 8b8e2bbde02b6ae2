import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Random } from '../random.ts'
import { reaches } from '../wait.ts'
import { type History, type Kind, readHistory } from './history.ts'

/** Where a load goes: more than one address for replicas, which a client takes in turn by chance. */
export interface Targets {
  /** Where `/log` is. */
  audit: readonly string[]
  /** Where `/register` is; none for a load without registrations. */
  lineage: readonly string[]
  /** Where `/api/v1/gate` is; none for a load without decisions. */
  gate: readonly string[]
}

export interface DriverConfig {
  /** Begins each Idempotency-Key; no other load of the same database has it. */
  name: string
  /** What every choice by chance comes from. */
  seed: string
  targets: Targets
  /** What every other client asks for; null where one in sixteen does. */
  focus: Kind | null
  /** Each with one request under way. */
  clients: number
  historyFile: string
  /** The least number of requests to make, each until it is acknowledged; null: any number, some left in doubt. */
  appends: number | null
  /** Share of the requests, 0 to 1, that are sent again, twice at once, or given up and sent again. */
  retries: number
  /** For how long a request is sent again and again until it is acknowledged. */
  patienceMs: number
}

/** What a driver has seen so far: attempts that were acknowledged, refused, or left in doubt. */
export interface Progress {
  acked: number
  refused: number
  doubts: number
}

/** A load that is running. */
export interface Load {
  progress(): Progress
  /** Resolves once so many more were acknowledged; rejects if the driver ends before, or none is for two minutes. */
  acknowledges(more: number): Promise<void>
  /** Lets it finish what it has begun, and reads what it saw. */
  end(): Promise<History>
  /** Ends it at once, if it runs. */
  kill(): void
}

/** A name for a load, and what its choices come from. */
export function identityOf(random: Random): Pick<DriverConfig, 'name' | 'seed'> {
  return { name: `load-${random.hex(8)}`, seed: random.seed }
}

/** Starts a driver. */
export function startLoad(config: DriverConfig): Load {
  const child = fork(join(import.meta.dirname, 'driver.ts'), [JSON.stringify(config)])
  let progress: Progress = { acked: 0, refused: 0, doubts: 0 }
  child.on('message', (told) => {
    progress = told as Progress
  })
  const exited = once(child, 'exit')
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const acknowledged = { done: 'acknowledged', count: () => progress.acked, isOver }
  return {
    progress: () => progress,
    acknowledges: (more) => reaches(acknowledged, progress.acked + more),
    async end() {
      if (child.connected) child.send('stop')
      const [code] = await exited
      if (code !== 0) throw new Error(`the driver ended with ${code}`)
      return readHistory(config.name, config.historyFile)
    },
    kill: () => {
      if (!isOver()) child.kill('SIGKILL')
    },
  }
}
