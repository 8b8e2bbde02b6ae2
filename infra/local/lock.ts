import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { Failure } from '../failure.ts'
import { readText } from './file-fault.ts'
import { commandLine } from './processes.ts'

/**
 * Makes this process the only one that runs the stack of this checkout. The lock of a process that is
 * gone is taken over.
 *
 * @param program what the command line of a holder contains
 * @returns lets go of the lock
 */
export function takeLock(file: string, program: string): () => void {
  // Written under another name and linked: a lock that is there has its holder in it from the start, and
  // nobody takes an empty one for abandoned.
  const own = `${file}.${process.pid}`
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(own, `${process.pid}\n`)
      linkSync(own, file)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 1) throw error
    } finally {
      rmSync(own, { force: true })
    }
    const holder = Number(readText(file))
    if (holder !== process.pid && holder > 1 && commandLine(holder).includes(program)) {
      throw new Failure(
        `The stack of this checkout runs already, as process ${holder}. Use that one, or stop it with Ctrl-C in its terminal or "kill ${holder}".`,
      )
    }
    rmSync(file, { force: true })
  }
}
