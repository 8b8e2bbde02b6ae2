import { type Calls, segment } from './calls.ts'
import { registeredModelOf } from './expected.ts'
import { gateAnswerOf } from './gate-expected.ts'
import type { GateAnswer, GateQuestion, ProvenGateAnswer } from './gate-types.ts'
import type { Directory, Ready, RegisteredModel } from './gateway-types.ts'
import type { Registration } from './lineage-types.ts'
import { ProbedApi } from './probed-api.ts'
import type { VerifierKey } from './signed-note.ts'
import type { CallOptions, KeyedOptions } from './transport.ts'

/** What `gate` takes as its last argument. */
export interface GateOptions extends KeyedOptions {
  /** Whether the entry comes with its proof of inclusion under a checkpoint that was signed after it. */
  proof?: boolean | undefined
}

/** What the gateway answers itself. Every method throws `GovernanceError`. */
export class GatewayApi extends ProbedApi {
  readonly #key: VerifierKey | null

  /** `key` signs the checkpoints of the log; null is whichever it is. */
  constructor(calls: Calls, key: VerifierKey | null = null) {
    super(calls)
    this.#key = key
  }

  /** `GET /{service}/readyz`: the same of one service, by its name in the directory. */
  async serviceReady(service: string, options?: CallOptions): Promise<Ready> {
    return this.calls.probe(`/${segment(service)}/readyz`, options)
  }

  /** `GET /mcp`: which services there are, and where. */
  directory(options?: CallOptions): Promise<Directory> {
    return this.calls.get('/mcp', {}, options)
  }

  /**
   * `POST /api/v1/gate`: decides about a payload and records the decision. That it is denied is an answer, not an error;
   * where it cannot be recorded the call fails, with `not_recorded` or with `outcomeUnknown`. Asked again under its key
   * it gives the decision that was recorded first. With `proof` the entry is proven too, as in `audit.log`.
   */
  gate(question: GateQuestion, options: GateOptions & { proof: true }): Promise<ProvenGateAnswer>
  gate(question: GateQuestion, options?: GateOptions): Promise<GateAnswer>
  gate(question: GateQuestion, options: GateOptions = {}): Promise<GateAnswer> {
    const proof = options.proof === true
    const expected = gateAnswerOf(question, { proof, key: this.#key })
    const query = proof ? { proof } : {}
    return this.calls.changeOnce('/api/v1/gate', question, expected, options, query)
  }

  /** `POST /api/v1/models/register`: registers a model version like `lineage.register`. */
  registerModel(model: Registration, options?: KeyedOptions): Promise<RegisteredModel> {
    return this.calls.changeOnce(
      '/api/v1/models/register',
      model,
      registeredModelOf(model),
      options,
    )
  }
}
