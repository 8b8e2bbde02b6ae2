import type {
  AuditEntry,
  AuditEvent,
  AuditVerdict,
  CheckpointQuery,
  ConsistencyProof,
  Erasure,
  ErasureGrounds,
  EventsQuery,
  ExportFormat,
  ExportRange,
  Hold,
  HoldOrder,
  InclusionProof,
  ProvenEntry,
  Retention,
  RetentionOrder,
  VerifyQuery,
} from './audit-types.ts'
import { type Calls, idText, type Page } from './calls.ts'
import { GovernanceError } from './errors.ts'
import { A_HOLD, AN_ERASURE, entriesOf, entryOf, provenEntryOf } from './expected.ts'
import { exportedEntries } from './export-stream.ts'
import type { Envelope } from './gate-types.ts'
import type { PageQuery } from './lineage-types.ts'
import { ProbedApi } from './probed-api.ts'
import { signedBy } from './proofs.ts'
import type { VerifierKey } from './signed-note.ts'
import type { CallOptions, KeyedOptions } from './transport.ts'
import { verifyVsa } from './vsa.ts'

/** What `log` takes as its last argument. */
export interface LogOptions extends KeyedOptions {
  /** Whether the entry comes with its proof of inclusion under a checkpoint that was signed after it. */
  proof?: boolean | undefined
}

/** mcp-audit: the log. Every method throws `GovernanceError`. */
export class AuditApi extends ProbedApi {
  readonly #key: VerifierKey | null

  /** `key` signs the checkpoints of the log; null is whichever it is. */
  constructor(calls: Calls, key: VerifierKey | null = null) {
    super(calls)
    this.#key = key
  }

  /**
   * `POST /log`: puts an event on record. The entry is committed when this resolves. With `proof` it is proven too,
   * and the proof is verified where the client has an `auditKey`; `proof` of the entry is null where the signer
   * refused after the entry was committed.
   */
  log(event: AuditEvent, options: LogOptions & { proof: true }): Promise<ProvenEntry>
  log(event: AuditEvent, options?: LogOptions): Promise<AuditEntry>
  log(event: AuditEvent, options: LogOptions = {}): Promise<AuditEntry> {
    const expected = options.proof ? provenEntryOf(event, this.#key) : entryOf(event)
    const query = options.proof ? { proof: true } : {}
    return this.calls.changeOnce('/log', event, expected, options, query)
  }

  /** `POST /log/batch`: puts up to 10,000 events on record in a row, all or none. */
  logBatch(events: readonly AuditEvent[], options?: KeyedOptions): Promise<AuditEntry[]> {
    return this.calls.changeOnce('/log/batch', { events }, entriesOf(events), options)
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
   * `GET /events/{id}/vsa`: a decision of the gate as a SLSA Verification Summary in a signed envelope; `verifyVsa` reads
   * it. Fails with `not_found` for other entries, `no_subject` where the payload named no artifact by its digest, or
   * more than 1,000.
   */
  async vsa(id: number, options?: CallOptions): Promise<Envelope> {
    const envelope = await this.calls.get<Envelope>(`/events/${idText(id)}/vsa`, {}, options)
    if (!this.#key || verifyVsa(envelope, this.#key)) return envelope
    throw new GovernanceError('invalid_answer', 'the summary is not signed by the audit key.')
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

  /** `GET /checkpoint`: a signed checkpoint, as text. Keep it: a later export must agree with it. */
  async checkpoint(query: CheckpointQuery = {}, options?: CallOptions): Promise<string> {
    const note = await this.calls.text('/checkpoint', { ...query }, options)
    return this.#signed(note, note)
  }

  /** `GET /checkpoint/key`: the verifier key, as the service says it. Compare it with what was published. */
  async checkpointKey(options?: CallOptions): Promise<string> {
    return (await this.calls.text('/checkpoint/key', {}, options)).trimEnd()
  }

  /** `GET /proof/inclusion`: that an entry is in the log of a checkpoint, the newest or one of this size. */
  async inclusionProof(id: number, size?: number, options?: CallOptions): Promise<InclusionProof> {
    const query = { id: idText(id), size: size === undefined ? undefined : idText(size) }
    const proof = await this.calls.get<InclusionProof>('/proof/inclusion', query, options)
    return this.#signed(proof, proof.checkpoint)
  }

  /** `GET /proof/consistency`: that the log of a checkpoint, the newest or one of size `to`, continues that of `from`. */
  async consistencyProof(
    from: number,
    to?: number,
    options?: CallOptions,
  ): Promise<ConsistencyProof> {
    const query = { from: countText(from), to: to === undefined ? undefined : countText(to) }
    const proof = await this.calls.get<ConsistencyProof>('/proof/consistency', query, options)
    return this.#signed(proof, proof.checkpoint)
  }

  /**
   * `GET /tile/{L}/{N}`: 256 hashes of a level of the tree in a row, or the first `width` of them (C2SP tlog-tiles).
   * A tile at level L holds the roots of complete subtrees of 256^L leaves.
   */
  async tile(
    level: number,
    index: number,
    width?: number,
    options?: CallOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.calls.binary(`/tile/${countText(level)}/${tilePath(index, width)}`, options)
  }

  /** `GET /tile/entries/{N}`: the entry bundle of the same leaves, `u16 32 ‖ entry_hash` for each. */
  async entryTile(
    index: number,
    width?: number,
    options?: CallOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.calls.binary(`/tile/entries/${tilePath(index, width)}`, options)
  }

  /** `POST /events/{id}/erase`: erases the details of an entry. Fails with `legal_hold` or `never_erased`. */
  async erase(id: number, grounds: ErasureGrounds, options?: CallOptions): Promise<Erasure> {
    return this.calls.change(`/events/${idText(id)}/erase`, grounds, AN_ERASURE, options)
  }

  /** `POST /retention`: erases the details of old entries, one run of them. While `more` is true, ask again. */
  retention(order: RetentionOrder, options?: CallOptions): Promise<Retention> {
    return this.calls.change('/retention', order, AN_ERASURE, options)
  }

  /** `POST /holds`: keeps details from being erased. */
  hold(order: HoldOrder, options?: CallOptions): Promise<Hold> {
    return this.calls.change('/holds', order, A_HOLD, options)
  }

  /** `POST /holds/{id}/release`: ends a hold. Fails with `already_released`. */
  async release(id: number, reason: string, options?: CallOptions): Promise<Hold> {
    return this.calls.change(`/holds/${idText(id)}/release`, { reason }, A_HOLD, options)
  }

  /** `GET /holds`: all holds, newest first, fetched page by page. */
  holds(query: PageQuery = {}, options?: CallOptions): AsyncGenerator<Hold> {
    return this.calls.all('/holds', { ...query }, options)
  }

  /** `GET /holds`: one page of them. */
  holdsPage(query: PageQuery = {}, options?: CallOptions): Promise<Page<Hold>> {
    return this.calls.page('/holds', { ...query }, options)
  }

  /** The answer, if its checkpoint is signed by the key of the client, or there is none. */
  #signed<T>(answer: T, checkpoint: string): T {
    if (!this.#key || signedBy(checkpoint, this.#key)) return answer
    throw new GovernanceError('invalid_answer', 'the checkpoint is not signed by the audit key.')
  }
}

/** A count from 0 on as it travels. */
function countText(count: number): string {
  return count === 0 ? '0' : idText(count)
}

/** C2SP tlog-tiles, Parameters: three digits a part, `x` before all parts but the last. */
function tilePath(index: number, width = 256): string {
  const digits = countText(index)
  const parts = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g) as string[]
  const path = parts.map((part, i) => (i < parts.length - 1 ? `x${part}` : part)).join('/')
  return width === 256 ? path : `${path}.p/${idText(width)}`
}
