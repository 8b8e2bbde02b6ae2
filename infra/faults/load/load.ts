import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type History, readHistory } from './history.ts'

export interface DriverConfig {
  /** Begins each Idempotency-Key; no other load of the same database has it. */
  name: string
  /** Where `/log` is; more than one for replicas, which a client takes in turn by chance. */
  auditUrls: readonly string[]
  /** Where `/register` is; null for a load without registrations. */
  lineageUrl: string | null
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
  /** Resolves once so many more were acknowledged; rejects if the driver ends before. */
  acknowledges(more: number): Promise<void>
  /** Lets it finish what it has begun, and reads what it saw. */
  end(): Promise<History>
  /** Ends it at once, if it runs. */
  kill(): void
}

/** A name for a load. */
export function loadName(): string {
  return `load-${randomBytes(4).toString('hex')}`
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
  return {
    progress: () => progress,
    async acknowledges(more) {
      const goal = progress.acked + more
      while (progress.acked < goal) {
        if (isOver()) throw new Error('the load ended while more was to be done to it')
        await sleep(10)
      }
    },
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
