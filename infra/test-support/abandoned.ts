import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { endLeftover } from '../local/postgres.ts'
import { commandLine } from '../local/processes.ts'

/** Ends the servers and removes the folders of test runs that were killed before they could. */
export async function removeAbandoned(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    const pid = /^governance-test-(\d+)-/.exec(name)?.[1]
    if (!pid || commandLine(Number(pid)).includes('test-support/run.ts')) continue
    const folder = join(parent, name)
    try {
      await endLeftover(join(folder, 'postgres'))
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another user's: theirs to remove.
    }
  }
}
