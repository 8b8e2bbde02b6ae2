import {
  claimedId,
  detailsFault,
  type EntryLine,
  entryHash,
  integer,
  readEntry,
  readMembers,
  string,
  TEXT_OR_NULL,
} from './entry-line.ts'
import { Erasures, erasedFault } from './erasures.ts'
import { type Line, linesOf } from './lines.ts'

/** What an export is found to be. Ids and counts are null where the export does not get so far. */
export interface ExportVerdict {
  /** Every hash and link fits, erasures are accounted for, and the trailer says the same. */
  ok: boolean
  /** Entries found right, from the first on. */
  entries: number
  /** The first entry that is wrong or missing; null if none is, or if none can be named. */
  first_bad_id: number | null
  /** What is wrong, in words; null if nothing is. */
  reason: string | null
  /** The line, from 1, at which it is wrong. */
  line: number | null
  /** The first and the last entry that were found right. */
  first_id: number | null
  last_id: number | null
  /** Keep it: a later export that contains this position must have the same hash there. */
  last_entry_hash: string | null
  /** `prev_hash` of the first entry. Behind entry 1 somebody must vouch for it; see `warnings`. */
  first_prev_hash: string | null
  /** Entries whose details were erased. */
  erased: number
  /** How many of them name an erasure that this export does not reach: nothing in it accounts for them. */
  unaccounted: number
  /** What this export alone cannot show, in words; none where something is wrong. */
  warnings: string[]
  /** Whether the trailer was reached: false for an export that broke off, and where an entry is wrong. */
  complete: boolean
  /** What the trailer says of a signature over the log: carried, not judged. */
  checkpoint: string | null
  verifier_key: string | null
  /** Whether a signed checkpoint was judged. This version never does. */
  checkpoint_judged: false
}

export interface VerifyExportOptions {
  /** Hears of progress, at most once every thousand entries. */
  onProgress?: ((progress: { entries: number }) => void) | undefined
  /** Stops the verification: it then throws the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Longest line, in bytes. Default 32 MiB; a longer one makes the verdict false. */
  maxLineBytes?: number | undefined
}

const ZEROS = '00'.repeat(32)
const TRAILER_MEMBERS = [
  ...['trailer', 'count', 'first_id', 'last_id', 'last_entry_hash', 'checkpoint', 'verifier_key'],
]
const INCOMPLETE = 'the export is incomplete: its last line is not the trailer'
const MISSING = 'the entry is missing'
/** The reason where the file is another kind of export, which nobody tampered with. */
export const NOT_NDJSON = 'this is no NDJSON export but looks like JSON or CSV: ask for fmt=ndjson'

/**
 * Verifies an export in NDJSON from its bytes alone, offline: recomputes every hash, follows the links,
 * and holds the trailer against what came before. It trusts nothing in it and keeps one line at a time.
 *
 * `chunks` may come from anybody. Whatever they say, the answer is a verdict; what reading them throws
 * is thrown on.
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array | string>,
  options: VerifyExportOptions = {},
): Promise<ExportVerdict> {
  const verifier = new ExportVerifier()
  for await (const line of linesOf(chunks, options.maxLineBytes ?? 32 * 1_048_576)) {
    options.signal?.throwIfAborted()
    verifier.line(line)
    if (verifier.isOver) break
    if (verifier.entries % 1_000 === 0) options.onProgress?.({ entries: verifier.entries })
  }
  return verifier.verdict()
}

/** What is wrong, and with which entry; null where none can be named. */
interface Fault {
  id: number | null
  reason: string
}

/** The texts of the members of a line, by name. */
type Members = Map<string, string>

class ExportVerifier {
  entries = 0
  /** Whether the verdict is known: what follows need not be read. */
  isOver = false
  #line = 0
  #first: EntryLine | null = null
  #last: EntryLine | null = null
  /** The last line, as soon as it has come. */
  #trailer: Members | null = null
  #fault: (Fault & { line: number }) | null = null
  readonly #erasures = new Erasures()

  line(line: Line): void {
    this.#line++
    if (line.fault === null && /^[ \t\r]*$/.test(line.text)) return
    if (this.#fault) {
      const next = claimedId(line.text)
      if (next !== null && next > 1) this.#fault.id = next - 1
      this.isOver = true
      return
    }
    const fault = this.#read(line)
    if (!fault) return
    this.#fault = { ...fault, line: this.#line }
    // Where an export starts only its first line tells; if that says nothing, the next.
    this.isOver =
      fault.id !== null ||
      this.#last !== null ||
      this.#trailer !== null ||
      fault.reason === NOT_NDJSON
  }

  verdict(): ExportVerdict {
    this.#fault ??= this.#trailer ? null : { id: null, reason: INCOMPLETE, line: this.#line }
    const said = (name: string) => (this.#fault ? null : string(this.#trailer?.get(name) ?? ''))
    return {
      ok: this.#fault === null,
      entries: this.entries,
      first_bad_id: this.#fault?.id ?? null,
      reason: this.#fault?.reason ?? null,
      line: this.#fault?.line ?? null,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? (this.#fault ? null : ZEROS),
      first_prev_hash: this.#first?.prev_hash ?? null,
      erased: this.#erasures.count,
      unaccounted: this.#fault ? 0 : this.#erasures.unaccounted,
      warnings: this.#fault ? [] : this.#warnings(),
      complete: this.#trailer !== null,
      checkpoint: said('checkpoint'),
      verifier_key: said('verifier_key'),
      checkpoint_judged: false,
    }
  }

  #warnings(): string[] {
    const warnings = this.#erasures.warnings()
    const firstId = this.#first?.id ?? 1
    if (firstId > 1) {
      warnings.push(
        `the export starts at entry ${firstId}: somebody must vouch for its prev_hash, the entry_hash of entry ${firstId - 1}`,
      )
    }
    return warnings
  }

  #read(line: Line): Fault | null {
    if (this.#trailer) return { id: null, reason: 'something follows the trailer' }
    // How an export in JSON or CSV begins.
    if (!this.#last && /^(?:\[|id,)/.test(line.text)) return { id: null, reason: NOT_NDJSON }
    const expected = this.#last ? this.#last.id + 1 : claimedId(line.text)
    const read = line.fault === null ? readMembers(line.text) : { fault: line.fault }
    if ('fault' in read) {
      return line.isCut ? { id: null, reason: INCOMPLETE } : { id: expected, reason: read.fault }
    }
    const { members } = read
    if (members.has('trailer')) {
      this.#trailer = members
      const reason = this.#trailerFault(members)
      return reason === null ? null : { id: null, reason }
    }
    const id = integer(members.get('id')) ?? expected
    if (this.#last && id !== expected) return { id: expected, reason: MISSING }
    const entry = readEntry(members)
    return 'fault' in entry ? { id, reason: entry.fault } : this.#readEntry(entry)
  }

  #readEntry(entry: EntryLine): Fault | null {
    const { id, prev_hash } = entry
    const before = this.#last
    // The first entry of the log has nothing before it, and no other has.
    if (!before && id > 1 && prev_hash === ZEROS) return { id: 1, reason: MISSING }
    if (prev_hash !== (before?.entry_hash ?? (id === 1 ? ZEROS : prev_hash))) {
      return { id, reason: 'prev_hash is not the entry_hash of the entry before' }
    }
    if (before && entry.created_at < before.created_at) {
      return { id, reason: 'created_at is earlier than that of the entry before' }
    }
    const reason = entry.erased_by === null ? detailsFault(entry) : erasedFault(entry)
    if (reason !== null) return { id, reason }
    if (entryHash(entry) !== entry.entry_hash) {
      return { id, reason: 'entry_hash does not match the content' }
    }
    const fault = this.#erasures.next(entry, this.#first?.id ?? id)
    if (fault) return fault
    this.#first ??= entry
    this.#last = entry
    this.entries++
    return null
  }

  #trailerFault(members: Members): string | null {
    const isWhole =
      members.size === TRAILER_MEMBERS.length && TRAILER_MEMBERS.every((name) => members.has(name))
    if (!isWhole || members.get('trailer') !== 'true') {
      return 'the trailer does not have the members that it must have'
    }
    const token = (name: string) => members.get(name) as string
    const facts = {
      count: this.entries,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? ZEROS,
    }
    for (const [name, fact] of Object.entries(facts)) {
      const isSame =
        typeof fact === 'string' ? string(token(name)) === fact : token(name) === String(fact)
      if (!isSame) return `${name} of the trailer is not that of the entries`
    }
    const { fits, what } = TEXT_OR_NULL
    const wrong = ['checkpoint', 'verifier_key'].find((name) => !fits(token(name)))
    return wrong ? `${wrong} of the trailer is not ${what}` : null
  }
}
