import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type FolderRead, readFolder } from './policy-folder.ts'

export interface WatchParts {
  folder: string
  /** What it held when it was read the first time. */
  first: FolderRead
  /** How long to wait between two looks, in ms. */
  every: number
  /** Gets what the folder holds after each change. */
  onChange: (read: FolderRead) => void
  onFault: (error: unknown) => void
}

/**
 * Tells of each change of a policy folder, once it rests: a set counts when two looks in a row read the same,
 * so that a half-written one does not.
 *
 * It reads the folder again and again and asks for no notifications: those do not come through every bind mount and
 * network file system, nor for what lies behind a symbolic link, so that looking would be needed beside them anyway. It
 * compares the texts and not times of change, which some file systems keep in whole seconds. For a few files of some
 * KiB that is a fraction of a millisecond.
 */
export class PolicyWatch {
  readonly #parts: WatchParts
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  /** What was told last, and what the last look saw. */
  #told: FolderRead
  #seen: FolderRead

  /** Starts at once. */
  constructor(parts: WatchParts) {
    this.#parts = parts
    this.#told = parts.first
    this.#seen = parts.first
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { every, onFault } = this.#parts
    while (!signal.aborted) {
      await sleep(every, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) await this.#look().catch(onFault)
    }
  }

  async #look(): Promise<void> {
    const read = await readFolder(this.#parts.folder)
    const rests = isDeepStrictEqual(read, this.#seen)
    this.#seen = read
    if (!rests || isDeepStrictEqual(read, this.#told)) return
    this.#told = read
    this.#parts.onChange(read)
  }
}
