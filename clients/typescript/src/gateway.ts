import { segment } from './calls.ts'
import { registeredModelOf } from './expected.ts'
import type { Directory, Ready, RegisteredModel } from './gateway-types.ts'
import type { Registration } from './lineage-types.ts'
import { ProbedApi } from './probed-api.ts'
import type { CallOptions, KeyedOptions } from './transport.ts'

/** What the gateway answers itself. Every method throws `GovernanceError`. */
export class GatewayApi extends ProbedApi {
  /** `GET /{service}/readyz`: the same of one service, by its name in the directory. */
  async serviceReady(service: string, options?: CallOptions): Promise<Ready> {
    return this.calls.probe(`/${segment(service)}/readyz`, options)
  }

  /** `GET /mcp`: which services there are, and where. */
  directory(options?: CallOptions): Promise<Directory> {
    return this.calls.get('/mcp', {}, options)
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
