import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import type { Tokens } from './ground.ts'
import type { Told } from './tally.ts'

export interface LoadConfig {
  /** Begins the key of each write; no other load of the same database has it. */
  name: string
  seed: number
  gatewayUrl: string
  tokens: Tokens
  /** A bill of materials that verifies. */
  aibom: JsonObject
  /** What was written and answered, as infra/faults/load/history.ts has it. */
  historyFile: string
  /** Every checkpoint that was given out. */
  checkpointFile: string
  /** A line for each decision of the gate. */
  decisionFile: string
  /** For how long as much is asked as is answered, to find out how much that is. */
  findSeconds: number
  /** The share of it that is asked from then on, and at most so many requests a second. */
  share: number
  most: number
}

/** How far the load is. */
export interface Progress {
  /** Null until it is known. */
  rate: number | null
  answered: number
  unexpected: number
  underWay: number
}

export interface SoakLoad {
  progress(): Progress
  /** Resolves once the steady load has begun; rejects if the process ends before. */
  steady(): Promise<void>
  /** Lets it finish what it has begun, and reads what it tells. */
  end(): Promise<Told>
  kill(): void
}

type Message = { progress: Progress } | { told: Told }

/** Starts the load in a process of its own, so that it does not wait for what this one does. */
export function startSoakLoad(config: LoadConfig): SoakLoad {
  const child = fork(join(import.meta.dirname, 'driver.ts'), [JSON.stringify(config)])
  const exited = once(child, 'exit')
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  let progress: Progress = { rate: null, answered: 0, unexpected: 0, underWay: 0 }
  let told: Told | null = null
  child.on('message', (message: Message) => {
    if ('told' in message) told = message.told
    else progress = message.progress
  })
  return {
    progress: () => progress,
    async steady() {
      while (progress.rate === null) {
        if (isOver()) throw new Error('the load ended before it was steady')
        await Promise.race([once(child, 'message'), exited])
      }
    },
    async end() {
      if (child.connected) child.send('stop')
      await exited
      if (told === null) throw new Error('the process of the load ended without telling anything')
      return told
    },
    kill() {
      if (!isOver()) child.kill('SIGKILL')
    },
  }
}
