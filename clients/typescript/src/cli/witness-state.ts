import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readCheckpoint } from '../checkpoint.ts'
import { NoteError, readVerifierKey, type VerifierKey, verifierKeyText } from '../signed-note.ts'
import { NOTHING_SEEN, type SeenTree } from '../witness.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { syncFolder } from './output-file.ts'

// One file a log, named <SHA-256 of the origin>.<generation>.note: the note that was cosigned last, with the
// cosignature. Whoever records the next note makes a new file of the next generation, under a name that must be
// free: so of two processes that share a folder only one gets it, and what a crash leaves behind is the note
// before or the note after.

/** The newest note of a log. */
export interface Seen extends SeenTree {
  /** 0 where nothing was cosigned yet. */
  generation: number
  /** The text of the note, empty where there is none. */
  note: string
}

const KEY_FILE = 'witness.vkey'
/** Of notes that contradict what was cosigned, so many are kept for each log. */
const MAX_FORKS = 10
/** Attempts to read the newest file, which another process may replace meanwhile. */
const ATTEMPTS = 100

/**
 * Makes the folder in which a witness remembers what it cosigned, empty. Throws {@link Exit} if it is there already,
 * or cannot be made.
 */
export async function makeWitnessFolder(folder: string, key: VerifierKey): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
    await writeDurably(join(folder, KEY_FILE), `${verifierKeyText(key)}\n`)
    await syncFolder(join(folder, '..'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw usage(`${folder} is there already, and the memory of a witness is never overwritten.`)
    }
    throw new Exit(EXIT.failed, `${folder} cannot be made: ${(error as Error).message}.`)
  }
}

/** Removes a folder in which nothing was cosigned yet. */
export async function removeWitnessFolder(folder: string): Promise<void> {
  await rm(join(folder, KEY_FILE), { force: true })
  await rmdir(folder)
}

/** The verifier key of the witness whose folder it is. Throws {@link Exit} (2), NoteError. */
export async function readWitnessFolder(folder: string): Promise<VerifierKey> {
  try {
    return readVerifierKey((await readFile(join(folder, KEY_FILE), 'utf8')).trim(), 'witness')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw usage(
      `${folder} is not the folder of a witness. It is never made anew for an old key, because a witness that has forgotten would cosign another log of the same name: put it back, or make a new witness with "aigov witness keygen".`,
    )
  }
}

/** What a witness has cosigned, in a folder. Several processes may use it at once. */
export class WitnessState {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was cosigned last of a log. Throws where that cannot be read: it is never taken for nothing. */
  async seen(origin: string): Promise<Seen> {
    for (let attempt = 1; ; attempt++) {
      const generation = Math.max(0, ...(await this.#generations(origin)))
      if (generation === 0) return { ...NOTHING_SEEN, generation, note: '' }
      const file = this.#file(origin, generation)
      try {
        return { ...readSeen(await readFile(file, 'utf8'), origin, file), generation }
      } catch (error) {
        const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
        if (!isGone || attempt === ATTEMPTS) throw error
      }
    }
  }

  /**
   * Records the note that follows on what was `seen`, and returns when a power cut can no longer undo it. False where
   * another process recorded one meanwhile: then nothing of this one may be given away.
   */
  async advance(origin: string, seen: Seen, note: string): Promise<boolean> {
    const next = seen.generation + 1
    if (!(await this.#place(this.#file(origin, next), note))) return false
    const generations = await this.#generations(origin)
    // The name was free because others have gone on and cleared it away. They never remove their newest.
    if (generations.some((generation) => generation > next)) return false
    for (const old of generations) {
      if (old < next) await rm(this.#file(origin, old), { force: true })
    }
    return true
  }

  /** Keeps a note that contradicts the one that was cosigned, together with that: both are signed by the log. */
  async keepFork(origin: string, seen: Seen, note: string): Promise<void> {
    const start = `${digest(origin)}.fork.`
    const kept = (await readdir(this.#folder)).filter((name) => name.startsWith(start))
    const name = `${start}${digest(note)}.note`
    if (kept.length >= MAX_FORKS || kept.includes(name)) return
    await this.#place(join(this.#folder, name), `${seen.note}\n${note}`)
  }

  /** Makes a file, whole and on the disk; false where one of its name is there. */
  async #place(path: string, text: string): Promise<boolean> {
    const draft = join(this.#folder, `${randomBytes(8).toString('hex')}.draft`)
    try {
      await writeDurably(draft, text)
      // Unlike a rename it fails where the name is taken.
      await link(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    } finally {
      await rm(draft, { force: true })
    }
    await syncFolder(this.#folder)
    return true
  }

  #file(origin: string, generation: number): string {
    return join(this.#folder, `${digest(origin)}.${generation}.note`)
  }

  async #generations(origin: string): Promise<number[]> {
    const pattern = new RegExp(`^${digest(origin)}\\.([1-9][0-9]{0,14})\\.note$`)
    const matches = (await readdir(this.#folder)).map((name) => pattern.exec(name)?.[1])
    return matches.filter((text) => text !== undefined).map(Number)
  }
}

function readSeen(note: string, origin: string, file: string): Omit<Seen, 'generation'> {
  try {
    const checkpoint = readCheckpoint(note)
    if (checkpoint.origin !== origin) throw new NoteError('it is the note of another log')
    return { size: checkpoint.size, root: checkpoint.root, note }
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw usage(
      `${file} is what this witness remembers of ${origin}, and cannot be read: ${error.message}. Without it the witness cannot go on; make a new one with "aigov witness keygen".`,
    )
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Writes a new file, to the disk. */
async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
