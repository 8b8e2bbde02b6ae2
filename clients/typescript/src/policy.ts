import type { Calls } from './calls.ts'
import { A_DECISION } from './expected.ts'
import type { Ok } from './gateway-types.ts'
import type { JsonObject } from './json.ts'
import type { Decision, Policies } from './policy-types.ts'
import type { CallOptions } from './transport.ts'

/** mcp-policy: may it be released? Every method throws `GovernanceError`. */
export class PolicyApi {
  readonly #calls: Calls

  constructor(calls: Calls) {
    this.#calls = calls
  }

  /** `GET /healthz`. */
  health(options?: CallOptions): Promise<Ok> {
    return this.#calls.probe('/healthz', options)
  }

  /** `GET /readyz`: fails with `not_ready`, whose `errors` name what is missing. */
  ready(options?: CallOptions): Promise<Ok> {
    return this.#calls.probe('/readyz', options)
  }

  /** `POST /validate`: the decision about a payload. That it is denied is an answer, not an error. */
  validate(payload: JsonObject, options?: CallOptions): Promise<Decision> {
    return this.#calls.ask('/validate', { payload }, A_DECISION, options)
  }

  /** `POST /api/v1/policies/validate`: the same under its other path. */
  validateV1(payload: JsonObject, options?: CallOptions): Promise<Decision> {
    return this.#calls.ask('/api/v1/policies/validate', { payload }, A_DECISION, options)
  }

  /** `GET /policies`: which policies decide now. */
  policies(options?: CallOptions): Promise<Policies> {
    return this.#calls.get('/policies', {}, options)
  }
}
