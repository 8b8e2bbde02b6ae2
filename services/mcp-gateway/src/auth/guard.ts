import { type Access, allows } from '@ai-governance/common/callers/scopes'
import { ApiError } from '@ai-governance/common/errors'
import { isProbe } from '@ai-governance/common/http/probes'
import type { Visit } from '../ingress/visit.ts'
import { type Authenticator, bearerToken, type Denial, type Verdict } from './authenticator.ts'
import { ANONYMOUS, type Caller } from './caller.ts'
import { type RateLimiter, sourceOf } from './rate-limits.ts'

export interface GuardOptions {
  /** Null: everybody is anonymous, and may do everything. */
  authenticator: Authenticator | null
  /** By caller. */
  perKey: RateLimiter | null
  /** By address: of requests that no valid credentials came with. */
  perAddress: RateLimiter | null
  /** Told of everybody who is refused. */
  onDenied: (denial: Denial, source: string) => void
}

const secondsNow = () => performance.now() / 1_000

/** Says of each request who makes it, whether they may, and whether they ask too often. */
export class Guard {
  readonly #options: GuardOptions

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /**
   * Who makes a request; null where nobody needs to be known.
   *
   * @param isOpen whether it is for something that anybody may have
   * @throws ApiError `unauthorized`, `rate_limited`, `not_ready`; a promise rejects with the same
   */
  identify(visit: Visit, isOpen: boolean): Caller | null | Promise<Caller> {
    const { authenticator } = this.#options
    if (!authenticator || isOpen) {
      // Whoever watches over the gateway must see it also where somebody else there asks too often.
      if (!isProbe(visit.request.url)) {
        this.#charge(this.#options.perAddress, sourceOf(visit.request.socket))
      }
      return authenticator ? null : ANONYMOUS
    }
    this.#assertNotGuessing(visit)
    const bearer = bearerToken(visit.head.authorization)
    if (typeof bearer === 'string') return this.#judge(visit, bearer)
    const verdict = authenticator.authenticate(bearer.token)
    return verdict instanceof Promise
      ? verdict.then((late) => this.#judge(visit, late))
      : this.#judge(visit, verdict)
  }

  /** @throws ApiError `insufficient_scope` */
  authorize(visit: Visit, caller: Caller | null, access: Access): void {
    if (access === 'open' || (caller && allows(caller.scopes, access))) return
    this.#deny(visit, 'missing_scope')
    const scope = access === 'authenticated' ? '' : `, scope="${access}"`
    throw new ApiError('insufficient_scope', `This takes a caller with the scope ${access}`, {
      headers: { 'www-authenticate': `Bearer error="insufficient_scope"${scope}` },
    })
  }

  #judge(visit: Visit, verdict: Verdict): Caller {
    if (typeof verdict !== 'string') {
      visit.caller = verdict
      this.#charge(this.#options.perKey, verdict.actor)
      return verdict
    }
    this.#deny(visit, verdict)
    this.#options.perAddress?.take(sourceOf(visit.request.socket), secondsNow())
    // One answer to all of them: what was wrong is nothing that a stranger needs to know.
    throw new ApiError('unauthorized', undefined, { headers: { 'www-authenticate': 'Bearer' } })
  }

  #deny(visit: Visit, denial: Denial): void {
    visit.denial = denial
    this.#options.onDenied(denial, sourceOf(visit.request.socket))
  }

  /** An address that has been wrong too often is not even listened to, or it could go on guessing. */
  #assertNotGuessing(visit: Visit): void {
    const { perAddress } = this.#options
    if (!perAddress || perAddress.isUntouched) return
    const wait = perAddress.wait(sourceOf(visit.request.socket), secondsNow())
    if (wait) throw rateLimited(wait)
  }

  #charge(limiter: RateLimiter | null, name: string): void {
    const wait = limiter?.take(name, secondsNow())
    if (wait) throw rateLimited(wait)
  }
}

function rateLimited(seconds: number): ApiError {
  return new ApiError('rate_limited', undefined, { headers: { 'retry-after': String(seconds) } })
}
