import { A_DECISION } from './expected.ts'
import type { JsonObject } from './json.ts'
import type { Decision, Policies } from './policy-types.ts'
import { ProbedApi } from './probed-api.ts'
import type { CallOptions } from './transport.ts'

/** mcp-policy: may it be released? Every method throws `GovernanceError`. */
export class PolicyApi extends ProbedApi {
  /** `POST /validate`: the decision about a payload. That it is denied is an answer, not an error. */
  validate(payload: JsonObject, options?: CallOptions): Promise<Decision> {
    return this.calls.ask('/validate', { payload }, A_DECISION, options)
  }

  /** `POST /api/v1/policies/validate`: the same under its other path. */
  validateV1(payload: JsonObject, options?: CallOptions): Promise<Decision> {
    return this.calls.ask('/api/v1/policies/validate', { payload }, A_DECISION, options)
  }

  /** `GET /policies`: which policies decide now. */
  policies(options?: CallOptions): Promise<Policies> {
    return this.calls.get('/policies', {}, options)
  }
}
