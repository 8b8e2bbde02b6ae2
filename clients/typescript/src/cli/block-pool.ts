import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ReadRun } from '../entry-run.ts'

/** What all threads are told at their start. */
export interface WorkerSettings {
  /** The sizes at which the root of the log is asked for. */
  cuts: readonly number[]
  maxLineBytes: number
}

export interface BlockTask {
  id: number
  block: Uint8Array<ArrayBuffer>
}

/** A block comes back with what was read of it: its bytes are moved to and fro, never copied. */
export interface BlockAnswer extends BlockTask, ReadRun {}

/** Room for what lives as long as a line: with less, a thread collects it twice as often. */
const YOUNG = { maxYoungGenerationSizeMb: 64 }

/** Threads that read blocks of an export. Close it when done. */
export class BlockPool {
  readonly #workers: Worker[]
  readonly #open = new Map<number, PromiseWithResolvers<BlockAnswer>>()
  #next = 0

  constructor(threads: number, settings: WorkerSettings) {
    // Beside this file: `.ts` in the sources, `.js` in the package.
    const url = new URL(`verify-worker${extname(import.meta.url)}`, import.meta.url)
    this.#workers = Array.from({ length: threads }, () => {
      const worker = new Worker(url, { workerData: settings, resourceLimits: YOUNG })
      worker.on('message', (answer: BlockAnswer) => this.#settle(answer))
      worker.on('error', (error) => this.#fail(error))
      return worker
    })
  }

  /** Has a thread read a block, which is no longer at hand until it comes back. */
  read(block: Uint8Array<ArrayBuffer>): Promise<BlockAnswer> {
    const id = this.#next++
    const answer = Promise.withResolvers<BlockAnswer>()
    // Whoever waits for the answers in order may come to this one late, and hears of it then.
    answer.promise.catch(() => {})
    this.#open.set(id, answer)
    const task: BlockTask = { id, block }
    this.#workers[id % this.#workers.length]?.postMessage(task, [block.buffer])
    return answer.promise
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #settle(answer: BlockAnswer): void {
    this.#open.get(answer.id)?.resolve(answer)
    this.#open.delete(answer.id)
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }
}
