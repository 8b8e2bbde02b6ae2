import { type EntryLink, entryFault, linkFault, MISSING, ZEROS } from './entry-check.ts'
import { claimedId, type EntryLine, integer, readEntry, readMembers } from './entry-line.ts'
import type { EntryRun } from './entry-run.ts'
import { Erasures } from './erasures.ts'
import { type Evidence, type Fault, type Given, judgeEvidence } from './evidence.ts'
import type { ExportVerdict, Result } from './export-verdict.ts'
import type { Line } from './lines.ts'
import { CompactTree, leafHash } from './merkle.ts'
import { readOrdinaryEntry } from './ordinary-line.ts'
import { readTrailer, type Trailer } from './trailer.ts'

const INCOMPLETE = 'the export is incomplete: its last line is not the trailer'
/** The reason where the file is another kind of export, which nobody tampered with. */
const NOT_NDJSON = 'this is no NDJSON export but looks like JSON or CSV: ask for fmt=ndjson'
/** Reasons that say nothing of the log. */
const UNUSABLE: readonly string[] = [INCOMPLETE, NOT_NDJSON]
const BLANK = /^[ \t\r]*$/

/** Verifies an export line by line, in the order of docs/FORMATS.md. It keeps nothing of an entry but its hash. */
export class ExportVerifier {
  entries = 0
  /** Whether the verdict is known: what follows need not be read. */
  isOver = false
  readonly #given: Given
  #line = 0
  #first: { id: number; prev_hash: string } | null = null
  #last: EntryLink | null = null
  /** The last line, as soon as it has come, and which line that is; `trailer` is null where it is wrong. */
  #end: { trailer: Trailer | null; line: number } | null = null
  #fault: (Fault & { line: number }) | null = null
  readonly #erasures = new Erasures()
  /** Null where the export starts behind entry 1. */
  #tree: CompactTree | null = new CompactTree()
  /** The sizes at which the root is asked for, and the root there. */
  readonly #cuts: ReadonlySet<number>
  readonly #roots = new Map<number, string>()

  constructor(given: Given) {
    this.#given = given
    this.#cuts = new Set(given.earlier.map(({ size }) => size))
    this.#keepRoot()
  }

  /** Takes the next line. */
  line(line: Line): void {
    this.#line++
    if (line.fault === null && BLANK.test(line.text)) return
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
      fault.id !== null || this.#last !== null || this.#end !== null || fault.reason === NOT_NDJSON
  }

  /**
   * Takes a row of entries that was verified elsewhere, one a line, in place of their lines. False where it does not
   * fit or needs a closer look: nothing has changed then, and its lines are to be given.
   */
  join({ count, first, last, pieces }: EntryRun): boolean {
    if (this.#fault || this.#end || this.#erasures.concerns(first.id, last.id)) return false
    if (this.#last && linkFault(first, this.#last)) return false
    this.#start(first)
    for (const { size, subtrees } of this.#tree ? pieces : []) {
      for (const { hash, level } of subtrees) this.#tree?.append(hash, level)
      if (this.#cuts.has(size)) this.#keepRoot()
    }
    this.#last = last
    this.entries += count
    this.#line += count
    return true
  }

  /** The verdict on the lines so far, as if there were no more. */
  verdict(): ExportVerdict {
    this.#fault ??= this.#end ? null : { id: null, reason: INCOMPLETE, line: this.#line }
    const evidence = this.#fault ? null : this.#judgeEvidence()
    const trailer = evidence ? this.#end?.trailer : null
    const result = this.#result(evidence)
    return {
      ok: evidence !== null,
      result,
      entries: this.entries,
      first_bad_id: this.#fault?.id ?? null,
      reason: this.#fault?.reason ?? null,
      line: this.#fault?.line ?? null,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? (evidence ? ZEROS : null),
      first_prev_hash: this.#first?.prev_hash ?? null,
      erased: this.#erasures.count,
      unaccounted: evidence ? this.#erasures.unaccounted : 0,
      warnings: evidence ? this.#warnings(evidence) : [],
      complete: this.#end !== null,
      checkpoint: trailer?.checkpoint ?? null,
      verifier_key: trailer?.verifier_key ?? null,
      origin: evidence?.origin ?? null,
      size: evidence?.size ?? null,
      root: evidence ? (this.#tree?.root() ?? null) : null,
      signature: evidence?.signature ?? 'none',
      unjudged: evidence?.unjudged ?? 0,
      witnesses: evidence?.witnesses ?? [],
    }
  }

  #judgeEvidence(): Evidence | null {
    const { trailer, line } = this.#end as { trailer: Trailer; line: number }
    const walked = {
      firstId: this.#first?.id ?? null,
      lastId: this.#last?.id ?? null,
      lastEntryHash: this.#last?.entry_hash ?? ZEROS,
      root: this.#tree?.root() ?? null,
      roots: this.#roots,
    }
    const judged = judgeEvidence(walked, trailer, this.#given)
    if (!('reason' in judged)) return judged
    this.#fault = { ...judged, line }
    return null
  }

  #result(evidence: Evidence | null): Result {
    if (!evidence) return UNUSABLE.includes(this.#fault?.reason ?? '') ? 'unusable' : 'not_verified'
    if (this.#erasures.unaccounted > 0 || evidence.unjudged > 0) return 'in_part'
    return evidence.signature === 'pinned' ? 'verified' : 'not_pinned'
  }

  #warnings({ isProven, unjudged, size }: Evidence): string[] {
    const warnings = this.#erasures.warnings()
    const firstId = this.#first?.id ?? 1
    if (firstId > 1 && !isProven) {
      warnings.push(
        `the export starts at entry ${firstId}: somebody must vouch for its prev_hash, the entry_hash of entry ${firstId - 1}`,
      )
    }
    if (!this.#first && size !== null && size > 0) {
      warnings.push(
        `the export holds none of the ${size} entries of the log: nothing of them was verified`,
      )
    }
    if (unjudged > 0) {
      warnings.push(
        `${unjudged} earlier checkpoints could not be judged: an export from entry 1 up to their size shows whether they fit`,
      )
    }
    return warnings
  }

  #read(line: Line): Fault | null {
    if (this.#end) return { id: null, reason: 'something follows the trailer' }
    const entry = line.fault === null ? readOrdinaryEntry(line.text) : null
    return entry ? this.#readEntry(entry) : this.#readOther(line)
  }

  /** A line that is no entry as the service writes them: the trailer, an entry in another spelling, or a fault. */
  #readOther(line: Line): Fault | null {
    // How an export in JSON or CSV begins.
    if (!this.#last && /^(?:\[|id,)/.test(line.text)) return { id: null, reason: NOT_NDJSON }
    const expected = this.#last ? this.#last.id + 1 : claimedId(line.text)
    const read = line.fault === null ? readMembers(line.text) : { fault: line.fault }
    if ('fault' in read) {
      return line.isCut ? { id: null, reason: INCOMPLETE } : { id: expected, reason: read.fault }
    }
    const { members } = read
    if (members.has('trailer')) return this.#readTrailer(members)
    const id = integer(members.get('id')) ?? expected
    if (this.#last && id !== expected) return { id: expected, reason: MISSING }
    const entry = readEntry(members)
    return 'fault' in entry ? { id, reason: entry.fault } : this.#readEntry(entry)
  }

  #readEntry(entry: EntryLine): Fault | null {
    const { id, prev_hash, entry_hash, created_at } = entry
    const fault = entryFault(entry, this.#last) ?? this.#erasures.next(entry, this.#first?.id ?? id)
    if (fault) return fault
    this.#start({ id, prev_hash })
    this.#last = { id, entry_hash, created_at }
    this.entries++
    this.#tree?.append(leafHash(entry_hash))
    if (this.#cuts.has(id)) this.#keepRoot()
    return null
  }

  #readTrailer(members: ReadonlyMap<string, string>): Fault | null {
    const trailer = readTrailer(members, {
      count: this.entries,
      first_id: this.#first?.id ?? null,
      last_id: this.#last?.id ?? null,
      last_entry_hash: this.#last?.entry_hash ?? ZEROS,
    })
    const isRead = !('fault' in trailer)
    this.#end = { trailer: isRead ? trailer : null, line: this.#line }
    return isRead ? null : { id: null, reason: trailer.fault }
  }

  /** Remembers where the export starts. */
  #start({ id, prev_hash }: { id: number; prev_hash: string }): void {
    if (this.#first) return
    this.#first = { id, prev_hash }
    if (id > 1) this.#tree = null
  }

  #keepRoot(): void {
    if (this.#tree && this.#cuts.has(this.#tree.size)) {
      this.#roots.set(this.#tree.size, this.#tree.root())
    }
  }
}
