import { type GivenTexts, readGiven } from './evidence.ts'
import type { ExportVerdict } from './export-verdict.ts'
import { ExportVerifier } from './export-verifier.ts'
import { LineSplitter } from './lines.ts'

export interface VerifyExportOptions extends GivenTexts {
  /** Hears of progress, at most once every thousand entries. */
  onProgress?: ((progress: { entries: number }) => void) | undefined
  /** Stops the verification: it then throws the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Longest line, in bytes. Default 32 MiB; a longer one makes the verdict false. */
  maxLineBytes?: number | undefined
}

/** Longest line of an export, in bytes. */
export const MAX_LINE_BYTES = 32 * 1_048_576

/**
 * Verifies an export in NDJSON from its bytes alone, offline: recomputes every hash, follows the links, holds the
 * trailer against what came before, and judges its checkpoint by what is given. It trusts nothing in it and
 * keeps one line at a time.
 *
 * `chunks` may come from anybody. Whatever they say, the answer is a verdict; what reading them throws
 * is thrown on. Throws `NoteError` where what is given does not fit, before anything is read.
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array | string>,
  options: VerifyExportOptions = {},
): Promise<ExportVerdict> {
  const verifier = new ExportVerifier(readGiven(options))
  const lines = new LineSplitter(options.maxLineBytes ?? MAX_LINE_BYTES)
  let told = 0
  for await (const chunk of chunks) {
    for (const line of lines.push(chunk)) {
      options.signal?.throwIfAborted()
      verifier.line(line)
      if (verifier.isOver) return verifier.verdict()
      if (verifier.entries >= told + 1_000) {
        told += 1_000
        options.onProgress?.({ entries: told })
      }
    }
    if (lines.isOver) break
  }
  for (const line of lines.end()) verifier.line(line)
  return verifier.verdict()
}
