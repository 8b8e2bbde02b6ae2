import type { AuditEntry } from '../audit-types.ts'
import { GovernanceError } from '../errors.ts'
import { exportedEntries } from '../export-stream.ts'
import { usage } from './exit.ts'
import { nameOf, readChunks } from './input.ts'

/** The entries of an NDJSON export in a file, or in standard input for `-`. Fails with exit code 2. */
export async function* entriesOf(path: string): AsyncGenerator<AuditEntry> {
  try {
    yield* exportedEntries(readChunks(path) as AsyncIterable<Uint8Array<ArrayBuffer>>)
  } catch (error) {
    if (!(error instanceof GovernanceError)) throw error
    throw usage(
      `${nameOf(path)} is no whole NDJSON export: ${error.detail} Is it from "aigov export"?`,
    )
  }
}
