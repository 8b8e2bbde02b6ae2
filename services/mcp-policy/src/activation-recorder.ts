import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '@ai-governance/common/errors'
import type { App } from '@ai-governance/common/http/server'
import type { ActivePolicies } from './activation.ts'
import type { ActivationLog } from './activation-log.ts'
import { activationDetails, isSameActivation, type Settings } from './activation-record.ts'
import { AuditRefusal } from './audit-client.ts'

export interface RetryTimes {
  /** How long to wait after the first failure, in ms; twice as long after each further one. */
  first: number
  /** The longest wait. */
  most: number
}

const TIMES: RetryTimes = { first: 500, most: 30_000 }

export interface RecorderParts {
  log: App['log']
  settings: Settings
}

/**
 * Puts each activation on the audit log, one after the other, however long that takes. Decisions do not wait
 * for it: each names its digest, and `recorded` of `GET /policies` says how far it is.
 */
export class ActivationRecorder {
  readonly #entries: ActivationLog
  readonly #parts: RecorderParts
  readonly #times: RetryTimes
  readonly #stopping = new AbortController()
  readonly #recorded = new WeakSet<ActivePolicies>()
  #last: Promise<void> = Promise.resolve()

  constructor(entries: ActivationLog, parts: RecorderParts, times: RetryTimes = TIMES) {
    this.#entries = entries
    this.#parts = parts
    this.#times = times
  }

  record(active: ActivePolicies): void {
    this.#last = this.#last.then(() => this.#untilRecorded(active))
  }

  isRecorded(active: ActivePolicies): boolean {
    return this.#recorded.has(active)
  }

  /** Ends a call that is under way. What is not recorded then is recorded after the next start, if still active. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#last
  }

  async #untilRecorded(active: ActivePolicies): Promise<void> {
    const { signal } = this.#stopping
    const { digest } = active.set
    let wait = this.#times.first
    let fault = ''
    while (!signal.aborted) {
      try {
        await this.#attempt(active, signal)
        this.#recorded.add(active)
        this.#parts.log.info({ digest }, 'the activation is on the audit log')
        return
      } catch (error) {
        if (signal.aborted) return
        const text = reasonOf(error)
        if (isFinal(error)) {
          // Trying on would keep every later activation off the log.
          this.#parts.log.error({ digest, fault: text }, NEVER_RECORDED)
          return
        }
        if (text !== fault) this.#parts.log.warn({ digest, fault: text }, NOT_RECORDED)
        fault = text
      }
      await sleep(wait, undefined, { signal, ref: false }).catch(() => {})
      wait = Math.min(2 * wait, this.#times.most)
    }
  }

  /**
   * A restart, or another replica that was first, is no activation: then the newest entry says the same. That is
   * asked anew in each attempt, since an attempt that seemed to fail may have been carried out.
   */
  async #attempt(active: ActivePolicies, signal: AbortSignal): Promise<void> {
    const details = activationDetails(active, this.#parts.settings)
    const newest = await this.#entries.newest(signal)
    if (newest?.details && isSameActivation(newest.details, details)) return
    await this.#entries.append(details, newest?.id ?? 0, signal)
  }
}

const NOT_RECORDED = 'the activation is not on the audit log yet; trying again'
const NEVER_RECORDED = 'mcp-audit does not take this activation; it is not on the audit log'

/** What is wrong with an event itself, and will be at every further attempt. */
const FINAL = new Set(['invalid_json', 'invalid_request', 'body_too_large'])

function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiError && error.cause instanceof AuditRefusal)) return false
  const { method, code } = error.cause
  return method === 'POST' && FINAL.has(code)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ApiError ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
