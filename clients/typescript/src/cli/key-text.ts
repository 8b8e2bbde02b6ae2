import { NoteError, readVerifierKey } from '../signed-note.ts'
import { readTextFile } from './input.ts'

/** The text of a verifier key: as given on the command line, or what a file of that name holds. Exit code 2. */
export async function keyTextOf(given: string): Promise<string> {
  return isVerifierKey(given) ? given : (await readTextFile(given)).trim()
}

function isVerifierKey(text: string): boolean {
  return (['log', 'witness'] as const).some((type) => {
    try {
      return readVerifierKey(text, type) !== null
    } catch (error) {
      if (error instanceof NoteError) return false
      throw error
    }
  })
}
