import type {
  AuditEntry,
  AuditEvent,
  AuditVerdict,
  EventsQuery,
  ExportFormat,
  ExportRange,
  VerifyQuery,
} from './audit-types.ts'
import { idText, type Page } from './calls.ts'
import { entryOf } from './expected.ts'
import { exportedEntries } from './export-stream.ts'
import { ProbedApi } from './probed-api.ts'
import type { CallOptions } from './transport.ts'

/** mcp-audit: the log. Every method throws `GovernanceError`. */
export class AuditApi extends ProbedApi {
  /** `POST /log`: puts an event on record. The entry is committed when this resolves. */
  log(event: AuditEvent, options?: CallOptions): Promise<AuditEntry> {
    return this.calls.change('/log', event, entryOf(event), options)
  }

  /** `GET /events`: all entries that match, newest first, fetched page by page. */
  events(query: EventsQuery = {}, options?: CallOptions): AsyncGenerator<AuditEntry> {
    return this.calls.all('/events', { ...query }, options)
  }

  /** `GET /events`: one page of them. */
  eventsPage(query: EventsQuery = {}, options?: CallOptions): Promise<Page<AuditEntry>> {
    return this.calls.page('/events', { ...query }, options)
  }

  /** `GET /events/{id}`: one entry; fails with `not_found`. */
  async event(id: number, options?: CallOptions): Promise<AuditEntry> {
    return this.calls.get(`/events/${idText(id)}`, {}, options)
  }

  /**
   * `GET /export?fmt=ndjson`: every entry of the range in order. Fails with `export_incomplete` if the
   * export breaks off, so a loop that ended without an error has seen all of it.
   */
  export(range: ExportRange = {}, options?: CallOptions): AsyncGenerator<AuditEntry> {
    return exportedEntries(this.exportBytes('ndjson', range, options))
  }

  /**
   * `GET /export`: the bytes of an export, at the pace of the loop that reads them. `timeoutMs` limits
   * the whole if it is given; else the client's time-out limits the wait for each chunk.
   */
  exportBytes(
    fmt: ExportFormat,
    range: ExportRange = {},
    options?: CallOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    return this.calls.bytes('/export', { ...range, fmt }, options)
  }

  /** `GET /verify`: has the service recompute the hashes of one step of entries. */
  verify(query: VerifyQuery = {}, options?: CallOptions): Promise<AuditVerdict> {
    return this.calls.get('/verify', { ...query }, options)
  }
}
