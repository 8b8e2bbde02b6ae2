import { Worker } from 'node:worker_threads'
import { ApiError } from '@ai-governance/common/errors'
import type { Config } from './config.ts'
import type { Verdict, VerifyRequest } from './verify-chain.ts'

/** Verifications at once; each is a thread with a database connection of its own. */
const MAX_RUNNING = 2

/** Verifies the chain in a thread, so that hashing half a million entries delays no other request. */
export class Verifier {
  readonly #config: Config
  #running = 0

  constructor(config: Config) {
    this.#config = config
  }

  async verify(request: VerifyRequest): Promise<Verdict> {
    if (this.#running >= MAX_RUNNING) throw new ApiError('overloaded')
    this.#running++
    try {
      return await new Promise<Verdict>((resolve, reject) => {
        const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), {
          workerData: { config: this.#config, request },
        })
        worker.once('message', resolve)
        worker.once('error', (cause) =>
          reject(new ApiError('database_unavailable', undefined, { cause })),
        )
        worker.once('exit', () => reject(new Error('the verifying thread ended without an answer')))
      })
    } finally {
      this.#running--
    }
  }
}
