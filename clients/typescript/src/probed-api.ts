import type { Calls } from './calls.ts'
import type { Ok, Ready } from './gateway-types.ts'
import type { CallOptions } from './transport.ts'

/** What the gateway and every service answer. Every method throws `GovernanceError`. */
export class ProbedApi {
  protected readonly calls: Calls

  constructor(calls: Calls) {
    this.calls = calls
  }

  /** `GET /healthz`: whether it serves. */
  health(options?: CallOptions): Promise<Ok> {
    return this.calls.probe('/healthz', options)
  }

  /** `GET /readyz`: fails with `not_ready`, whose `errors` name what is missing. */
  ready(options?: CallOptions): Promise<Ready> {
    return this.calls.probe('/readyz', options)
  }
}
