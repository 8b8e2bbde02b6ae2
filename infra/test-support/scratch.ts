import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder of the test's own, removed after it; like every mkdtemp closed to all other users. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'governance-scratch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
