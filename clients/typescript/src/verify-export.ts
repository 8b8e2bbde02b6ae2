import {
  claimedId,
  type EntryLine,
  hashFault,
  type LineMembers,
  readEntry,
  readMembers,
} from './entry-line.ts'
import { Erasures } from './erasures.ts'
import type { JsonValue } from './json.ts'
import { JsonTextError, parseJson } from './json-text.ts'
import { linesOf } from './lines.ts'

/** What an export is found to be. Ids and counts are null where the export does not get so far. */
export interface ExportVerdict {
  /** Every hash and link fits, erasures are accounted for, and the trailer says the same. */
  ok: boolean
  /** Entries found right, from the first on. */
  entries: number
  /** The first entry that is wrong; null if none is, or if what is wrong is the trailer. */
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
  /** What was not checked, in words. */
  warnings: string[]
  /** Whether the trailer was reached: false for an export that broke off, and behind a fault. */
  complete: boolean
  /** What the trailer says of a signature over the log: carried, not judged. */
  checkpoint: JsonValue
  verifier_key: JsonValue
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
    verifier.line(line.text, line.fault)
    if (verifier.isOver) break
    if (verifier.entries % 1_000 === 0) options.onProgress?.({ entries: verifier.entries })
  }
  return verifier.verdict()
}

/** What is wrong, and with which entry; null for the trailer. */
interface Fault {
  id: number | null
  reason: string
}

interface Trailer {
  checkpoint: JsonValue
  verifierKey: JsonValue
}

class ExportVerifier {
  entries = 0
  #line = 0
  #first: EntryLine | null = null
  #last: EntryLine | null = null
  #trailer: Trailer | null = null
  #fault: (Fault & { line: number }) | null = null
  readonly #erasures = new Erasures()

  /** A fault ends the work; one in the first line is named by the line behind it, see `line`. */
  get isOver(): boolean {
    return this.#fault !== null && (this.#line > 1 || this.#fault.id === 1)
  }

  line(text: string | null, unreadable: string | null): void {
    this.#line++
    const read = text === null ? { fault: unreadable ?? '' } : readMembers(text)
    if (this.#fault) {
      // Where an export starts only its first line tells. If that one cannot be believed, the next can.
      const next = 'fault' in read ? null : claimedId(read.members)
      if (next !== null && next > 1) this.#fault.id = next - 1
      return
    }
    const fault = this.#read(read)
    if (fault) this.#fault = { ...fault, line: this.#line }
  }

  verdict(): ExportVerdict {
    if (!this.#fault && !this.#trailer) {
      const reason = 'the export is incomplete: its last line is not the trailer'
      this.#fault = { id: null, reason, line: this.#line }
    }
    const warnings = [...this.#erasures.warnings]
    if (!this.#fault && this.#first && this.#first.id > 1) {
      const before = this.#first.id - 1
      warnings.push(
        `the export starts at entry ${this.#first.id}: that its prev_hash is the hash of entry ${before} must be vouched for by somebody else`,
      )
    }
    return {
      ok: this.#fault === null,
      entries: this.entries,
      first_bad_id: this.#fault?.id ?? null,
      reason: this.#fault?.reason ?? null,
      line: this.#fault?.line ?? null,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? (this.#trailer ? ZEROS : null),
      first_prev_hash: this.#first?.prev_hash ?? null,
      erased: this.#erasures.count,
      warnings,
      complete: this.#trailer !== null,
      checkpoint: this.#trailer?.checkpoint ?? null,
      verifier_key: this.#trailer?.verifierKey ?? null,
      checkpoint_judged: false,
    }
  }

  #read(read: LineMembers): Fault | null {
    if (this.#trailer) return { id: null, reason: 'something follows the trailer' }
    const expected = this.#last ? this.#last.id + 1 : null
    if ('fault' in read) {
      return { id: expected, reason: `the line is no JSON object: ${read.fault}` }
    }
    if (read.members.has('trailer')) return this.#readTrailer(read.members)
    const entry = readEntry(read.members)
    if (!('fault' in entry)) return this.#readEntry(entry)
    return { id: expected ?? claimedId(read.members), reason: entry.fault }
  }

  #readEntry(entry: EntryLine): Fault | null {
    const before = this.#last
    // The first entry of the log has nothing before it, and no other has.
    const expected = before ? before.id + 1 : entry.prev_hash === ZEROS ? 1 : entry.id
    if (entry.id !== expected) return { id: expected, reason: 'the entry is missing' }
    const prev = before?.entry_hash ?? (entry.id === 1 ? ZEROS : entry.prev_hash)
    if (entry.prev_hash !== prev) {
      return { id: entry.id, reason: 'prev_hash is not the entry_hash of the entry before' }
    }
    if (before && entry.created_at < before.created_at) {
      return { id: entry.id, reason: 'created_at is earlier than that of the entry before' }
    }
    const fault = hashFault(entry)
    if (fault) return { id: entry.id, reason: fault }
    const erasure = this.#erasures.next(entry, this.#first?.id ?? entry.id)
    if (erasure) return erasure
    this.#first ??= entry
    this.#last = entry
    this.entries++
    return null
  }

  #readTrailer(members: Map<string, string>): Fault | null {
    const isWhole =
      members.size === TRAILER_MEMBERS.length && TRAILER_MEMBERS.every((name) => members.has(name))
    const says = (name: string, value: JsonValue) => members.get(name) === JSON.stringify(value)
    if (!isWhole || !says('trailer', true)) {
      return { id: null, reason: 'the trailer does not have the members that it must have' }
    }
    const facts = {
      count: this.entries,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? ZEROS,
    }
    for (const [name, value] of Object.entries(facts)) {
      if (!says(name, value)) {
        return { id: null, reason: `the trailer's "${name}" is not that of the entries` }
      }
    }
    const open = this.#erasures.finish(this.#last?.id ?? null)
    if (open) return open
    try {
      const json = (name: string) => parseJson(members.get(name) as string)
      this.#trailer = { checkpoint: json('checkpoint'), verifierKey: json('verifier_key') }
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error
      return { id: null, reason: `the trailer is not JSON: ${error.message}` }
    }
    return null
  }
}
