import type { AllowedRoute } from '../allowed-routes.ts'
import type { Upstream } from './upstreams.ts'

/** One call that has passed every check. */
export interface Call {
  upstream: Upstream
  route: AllowedRoute
  /** Path and query at the service, the bytes that were received. */
  target: string
  /** Path alone, for the last check. */
  path: string
  body: Buffer | null
  /**
   * The header fields of one attempt, name and value in turn; asked anew for each, because a signed identity
   * counts once.
   */
  headersFor: () => string[]
}
