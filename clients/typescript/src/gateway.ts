import { type Calls, segment } from './calls.ts'
import { registeredModelOf } from './expected.ts'
import type { Directory, Ok, RegisteredModel } from './gateway-types.ts'
import type { Registration } from './lineage-types.ts'
import type { CallOptions } from './transport.ts'

/** What the gateway answers itself. Every method throws `GovernanceError`. */
export class GatewayApi {
  readonly #calls: Calls

  constructor(calls: Calls) {
    this.#calls = calls
  }

  /** `GET /healthz`: whether the gateway serves. */
  health(options?: CallOptions): Promise<Ok> {
    return this.#calls.probe('/healthz', options)
  }

  /** `GET /readyz`: fails with `not_ready`, whose `errors` name the services that are not. */
  ready(options?: CallOptions): Promise<Ok> {
    return this.#calls.probe('/readyz', options)
  }

  /** `GET /{service}/readyz`: the same of one service, by its name in the directory. */
  async serviceReady(service: string, options?: CallOptions): Promise<Ok> {
    return this.#calls.probe(`/${segment(service)}/readyz`, options)
  }

  /** `GET /mcp`: which services there are, and where. */
  directory(options?: CallOptions): Promise<Directory> {
    return this.#calls.get('/mcp', {}, options)
  }

  /** `POST /api/v1/models/register`: registers a model version like `lineage.register`. */
  registerModel(model: Registration, options?: CallOptions): Promise<RegisteredModel> {
    return this.#calls.change('/api/v1/models/register', model, registeredModelOf(model), options)
  }
}
