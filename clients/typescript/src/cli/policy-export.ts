import type { AuditEntry } from '../audit-types.ts'
import { claimedId } from '../entry-line.ts'
import { readGiven } from '../evidence.ts'
import { ExportVerifier } from '../export-verifier.ts'
import { linesOf } from '../lines.ts'
import { MAX_LINE_BYTES } from '../verify-export.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { nameOf, readChunks } from './input.ts'

/** An entry, and in which line of the export it stands. */
export interface ExportedEntry {
  line: number
  entry: AuditEntry
}

/**
 * The entries of an NDJSON export in a file, or in standard input for `-`, each of them right in itself and behind
 * the one before, as `aigov verify` has it. Whose log it is stays open: no key is given here.
 *
 * Fails where something is wrong, with exit code 4, and with 2 where it is no NDJSON export or has no end;
 * what was yielded before is right all the same.
 */
export async function* entriesOf(path: string, signal: AbortSignal): AsyncGenerator<ExportedEntry> {
  const verifier = new ExportVerifier(readGiven({}))
  let number = 0
  let isExport = false
  for await (const line of linesOf(readChunks(path), MAX_LINE_BYTES)) {
    signal.throwIfAborted()
    number += 1
    // How an entry begins as a service writes it: a file that has none before its fault is something else.
    isExport ||= claimedId(line.text) !== null
    const before = verifier.entries
    verifier.line(line)
    if (verifier.isOver) break
    if (verifier.entries === before) continue
    yield { line: number, entry: JSON.parse(line.text) as AuditEntry }
  }
  const { ok, result, line, reason } = verifier.verdict()
  if (ok) return
  const name = nameOf(path)
  if (result === 'unusable' || !isExport) {
    throw usage(
      `${name} is no whole NDJSON export (line ${line}: ${reason}): is it from "aigov export"?`,
    )
  }
  throw new Exit(
    EXIT.notVerified,
    `${name}, line ${line}: ${reason}. This is not what was recorded: "aigov verify" tells more.`,
  )
}
