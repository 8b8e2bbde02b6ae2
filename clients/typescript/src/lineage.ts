import type { VerifyQuery } from './audit-types.ts'
import { type Page, segment } from './calls.ts'
import { recordOf } from './expected.ts'
import type {
  LineageRecord,
  LineageVerdict,
  PageQuery,
  Registration,
  RevisionsQuery,
} from './lineage-types.ts'
import { ProbedApi } from './probed-api.ts'
import type { CallOptions, KeyedOptions } from './transport.ts'

/** mcp-lineage: where models come from. Every method throws `GovernanceError`. */
export class LineageApi extends ProbedApi {
  /**
   * `POST /register`: registers a revision; its log entry commits with it. Fails with
   * `artifacts_conflict` where the version is known with other artifacts.
   */
  register(model: Registration, options?: KeyedOptions): Promise<LineageRecord> {
    return this.calls.changeOnce('/register', model, recordOf(model), options)
  }

  /** `GET /lineage?model_id=…`: all revisions of a model, newest first, fetched page by page. */
  revisions(
    modelId: string,
    query: RevisionsQuery = {},
    options?: CallOptions,
  ): AsyncGenerator<LineageRecord> {
    return this.calls.all('/lineage', { ...query, model_id: modelId }, options)
  }

  /** `GET /lineage?model_id=…`: one page of them. */
  revisionsPage(
    modelId: string,
    query: RevisionsQuery = {},
    options?: CallOptions,
  ): Promise<Page<LineageRecord>> {
    return this.calls.page('/lineage', { ...query, model_id: modelId }, options)
  }

  /**
   * `GET /lineage/{model_id}`: like `revisionsPage`, with the id in the path, where one with `/`, `%`,
   * `;` or `..` cannot travel.
   */
  async revisionsPageByPath(
    modelId: string,
    query: RevisionsQuery = {},
    options?: CallOptions,
  ): Promise<Page<LineageRecord>> {
    return this.calls.page(`/lineage/${segment(modelId)}`, { ...query }, options)
  }

  /** `GET /models`: the latest record of each model, newest first, fetched page by page. */
  models(query: PageQuery = {}, options?: CallOptions): AsyncGenerator<LineageRecord> {
    return this.calls.all('/models', { ...query }, options)
  }

  /** `GET /models`: one page of them. */
  modelsPage(query: PageQuery = {}, options?: CallOptions): Promise<Page<LineageRecord>> {
    return this.calls.page('/models', { ...query }, options)
  }

  /** `GET /verify`: has the service hold records against their log entries, one step of them. */
  verify(query: VerifyQuery = {}, options?: CallOptions): Promise<LineageVerdict> {
    return this.calls.get('/verify', { ...query }, options)
  }
}
