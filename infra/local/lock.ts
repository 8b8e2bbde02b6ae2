import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Failure } from './failure.ts'
import { commandLine } from './processes.ts'

/**
 * Makes this process the only one that runs the stack of this checkout. The lock of a process that is
 * gone is taken over.
 *
 * @param program what the command line of a holder contains
 * @returns lets go of the lock
 */
export function takeLock(file: string, program: string): () => void {
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 1) throw error
    }
    const holder = Number(readFileSync(file, 'utf8'))
    if (holder !== process.pid && holder > 1 && commandLine(holder).includes(program)) {
      throw new Failure(
        `The stack of this checkout runs already, as process ${holder}. Use that one, or stop it with Ctrl-C in its terminal or "kill ${holder}".`,
      )
    }
    rmSync(file, { force: true })
  }
}
