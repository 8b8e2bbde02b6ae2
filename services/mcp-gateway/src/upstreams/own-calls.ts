import { ApiError, ERROR_CODES } from '@ai-governance/common/errors'
import { z } from 'zod'
import type { Caller } from '../auth/caller.ts'
import type { IdentityHeaders } from '../auth/signing.ts'
import { ask, type Question } from './ask.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Upstreams } from './upstreams.ts'
import type { WholeAnswer } from './whole-answer.ts'

/** A call that the gateway makes itself, rather than passing it on. */
export interface OwnCall {
  service: 'mcp-lineage' | 'mcp-policy' | 'mcp-audit'
  method: 'GET' | 'POST'
  /** Path and query. */
  target: string
  /** Null where there is none. */
  body: string | Buffer | null
  /** Whether the gateway speaks for itself, with the caller as actor. */
  asGateway?: boolean
  /** The Idempotency-Key that goes with it. */
  key?: string | null
  /** Whether it may have changed something when it fails. */
  writes?: boolean
}

const problem = z.looseObject({
  code: z.enum(ERROR_CODES),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
export type Refusal = z.infer<typeof problem>

/** Makes the calls that one request or one piece of work asks for, all of them within one time limit. */
export class OwnCalls {
  readonly #upstreams: Upstreams
  readonly #sign: IdentityHeaders
  readonly #caller: Caller
  readonly #flow: string
  readonly #requestId: string
  readonly #trace: readonly string[]
  readonly #until: number

  constructor(options: {
    upstreams: Upstreams
    sign: IdentityHeaders
    caller: Caller
    /** Whose places they take, as `flowOf` names it. */
    flow: string
    requestId: string
    /** Headers that carry its trace on, name and value in turn; none where no request is behind it. */
    trace?: readonly string[]
    /** For all calls together, in ms. */
    within: number
  }) {
    this.#upstreams = options.upstreams
    this.#sign = options.sign
    this.#caller = options.caller
    this.#flow = options.flow
    this.#requestId = options.requestId
    this.#trace = options.trace ?? []
    this.#until = performance.now() + options.within
  }

  get actor(): string {
    return this.#caller.actor
  }

  /** @throws ApiError as {@link upstreamFault}; `upstream_unavailable` where nothing was sent */
  async make({ key = null, writes = false, ...call }: OwnCall): Promise<WholeAnswer> {
    const { service, method, target, body } = call
    const upstream = this.#upstreams.get(service)
    const left = Math.floor(this.#until - performance.now())
    if (!upstream || left <= 0) throw new ApiError('upstream_unavailable')
    const requestId = this.#requestId
    const signed = { ...call, requestId }
    const headers = () => [
      ...['x-request-id', requestId, ...this.#trace, ...this.#sign(this.#caller, signed)],
      ...(body === null ? [] : ['content-type', 'application/json']),
      ...(key === null ? [] : ['idempotency-key', key]),
    ]
    const question: Question = {
      ...{ flow: this.#flow, method, path: target, headers },
      repeatable: !writes || key !== null,
      ...(body !== null && { body }),
    }
    try {
      return await ask(upstream.pool, question, left)
    } catch (error) {
      throw upstreamFault(error as Error, writes)
    }
  }
}

/** The problem details of an answer; null where it holds none of ours. */
export function refusalOf({ status, text }: Pick<WholeAnswer, 'status' | 'text'>): Refusal | null {
  if (status < 400) return null
  return problem.safeParse(parsed(text)).data ?? null
}

/** The JSON of a text; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
