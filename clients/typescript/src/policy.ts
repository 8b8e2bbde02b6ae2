import { GovernanceError } from './errors.ts'
import { A_DECISION, AN_OBJECT } from './expected.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type {
  ActivatedPolicies,
  AibomSubject,
  Decision,
  JudgedAibom,
  Policies,
} from './policy-types.ts'
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

  /** `GET /policies/{digest}`: the files of a set that was active, from the log. */
  async activatedPolicies(digest: string, options?: CallOptions): Promise<ActivatedPolicies> {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
      const detail = 'a digest of policies is "sha256:" and 64 hex digits in lower case.'
      throw new GovernanceError('invalid_argument', detail)
    }
    return this.calls.get(`/policies/${digest}`, {}, options)
  }

  /** `GET /schema/policy.v1.json`: the JSON Schema of policy files, for editors. */
  policySchema(options?: CallOptions): Promise<JsonObject> {
    return this.calls.get('/schema/policy.v1.json', {}, options)
  }

  /** `POST /aibom/verify`: what a decision would know of a bill, held against a model if one is named. */
  verifyAibom(
    aibom: JsonValue,
    subject: AibomSubject = {},
    options?: CallOptions,
  ): Promise<JudgedAibom> {
    return this.calls.ask('/aibom/verify', { ...subject, aibom }, AN_OBJECT, options)
  }
}
