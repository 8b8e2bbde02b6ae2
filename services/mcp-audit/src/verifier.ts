import { Worker } from 'node:worker_threads'
import { ApiError, type ErrorCode } from '@ai-governance/common/errors'
import { Limiter } from '@ai-governance/common/http/limiter'
import type { Verdict } from './answers.ts'
import type { Config } from './config.ts'
import type { VerifyRequest } from './verify-chain.ts'

/** What the thread says at its end. An error does not cross threads, its code and detail do. */
export type Outcome = { verdict: Verdict } | { code: ErrorCode; detail: string }

/** Verifies the chain in a thread, so that hashing half a million entries delays no other request. */
export class Verifier {
  readonly #config: Config
  /** Each verification is a thread with a database connection of its own. */
  readonly #limiter = new Limiter(2)

  constructor(config: Config) {
    this.#config = config
  }

  verify(request: VerifyRequest): Promise<Verdict> {
    return this.#limiter.run(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), {
            workerData: { config: this.#config, request },
          })
          worker.once('message', (outcome: Outcome) => {
            if ('verdict' in outcome) resolve(outcome.verdict)
            else reject(new ApiError(outcome.code, outcome.detail))
          })
          worker.once('error', reject)
          worker.once('exit', () =>
            reject(new Error('the verifying thread ended without an answer')),
          )
        }),
    )
  }
}
