import { ApiError } from '@ai-governance/common/errors'
import { type Prover, refusal } from '../tree/prover.ts'
import type { TreeReader, TreeStore } from '../tree-store.ts'
import { signCheckpoint, type TreeHead, verifierKey } from './signed-note.ts'
import { readStateOrRefuse, replaceState, type SignerState } from './signer-state.ts'
import { readSigningKey, type SigningKey } from './signing-key.ts'

/** A signed head of the log. */
export interface Checkpoint extends TreeHead {
  /** The name of the log in the note. */
  origin: string
  /** The signed note. */
  note: string
}

/** Who hears what a signer does. */
export interface SignerEvents {
  /** Of each attempt to sign: null, or why it failed. */
  onSigning: (error: unknown) => void
}

export interface SignerOptions extends Partial<SignerEvents> {
  keyFile: string | undefined
  stateFile: string | undefined
  /** The name to sign under; undefined: the one in the state. */
  origin: string | undefined
}

/** How long one replica may go on signing while others wait for the lock, which they do for 1.4 s. */
const LOCK_HELD_MS = 200

interface Waiting {
  resolve: (checkpoint: Checkpoint) => void
  reject: (error: unknown) => void
}

/**
 * Signs checkpoints by the procedure of docs/ARCHITECTURE.md, "Signing": one replica at a time, never over a
 * database that does not continue what was signed before. Calls that come while one is under way share the next.
 */
export class Signer {
  readonly #store: TreeStore
  readonly #prover: Prover
  readonly #options: SignerOptions
  #key: SigningKey | null = null
  #waiting: Waiting[] = []
  #running: Promise<void> | null = null

  /** Throws `EnvironmentError` if there is a key file that cannot be used. */
  constructor(store: TreeStore, prover: Prover, options: SignerOptions) {
    this.#store = store
    this.#prover = prover
    this.#options = options
    this.#key = options.keyFile === undefined ? null : readSigningKey(options.keyFile)
  }

  /**
   * A checkpoint over all that was committed before the call. Errors: `signing_key_missing`,
   * `signer_state_missing`, `signer_refused`, and those of the database.
   */
  checkpoint(): Promise<Checkpoint> {
    this.assertKey()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** A checkpoint over the first `size` entries, no more than were signed. */
  async checkpointAt(size: number): Promise<Checkpoint> {
    const head = { size, root: await this.#prover.root(size) }
    return this.#sign(head, this.#state().origin)
  }

  /** The key that outsiders pin. Errors: `signing_key_missing`, `signer_state_missing`, `signer_refused`. */
  verifierKey(): string {
    const { publicKey } = this.assertKey()
    return verifierKey(this.#state().origin, publicKey)
  }

  /** Throws `signing_key_missing` unless there is a key. One that was made after the start is found. */
  assertKey(): SigningKey {
    const { keyFile } = this.#options
    if (!this.#key && keyFile !== undefined) this.#key = readSigningKey(keyFile)
    if (this.#key) return this.#key
    throw new ApiError(
      'signing_key_missing',
      'There is no key to sign checkpoints with: make one with "aigov audit keygen"; see docs/OPERATIONS.md, "New origin".',
    )
  }

  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await this.#store.whileSigning((reader) => this.#signWaiting(reader))
      } catch (error) {
        this.#options.onSigning?.(error)
        // Those whose turn had come were told; without the lock nobody's will.
        for (const { reject } of this.#waiting.splice(0)) reject(error)
      }
    }
    this.#running = null
  }

  /** Signs for all who wait, again and again while more come, and lets other replicas in after a while. */
  async #signWaiting(reader: TreeReader): Promise<void> {
    const until = performance.now() + LOCK_HELD_MS
    // Nobody else who has this database writes the state while the lock is held.
    let state: SignerState | null = null
    while (this.#waiting.length > 0 && performance.now() < until) {
      const batch = this.#waiting.splice(0)
      try {
        state = await this.#advance(reader, state ?? this.#state())
        const checkpoint = this.#sign(state, state.origin)
        this.#options.onSigning?.(null)
        for (const { resolve } of batch) resolve(checkpoint)
      } catch (error) {
        for (const { reject } of batch) reject(error)
        throw error
      }
    }
  }

  /** Takes in what the database holds and puts it on record, on disk before anybody gets a signature over it. */
  async #advance(reader: TreeReader, state: SignerState): Promise<SignerState> {
    await this.#prover.catchUp(reader, state)
    const { size } = this.#prover
    if (size === state.size) return state
    const next = { origin: state.origin, size, root: await this.#prover.root(size) }
    await this.#replace(next, state)
    this.#prover.hasSigned(next)
    return next
  }

  #sign({ size, root }: TreeHead, origin: string): Checkpoint {
    const head = { size, root }
    const { privateKey, publicKey } = this.assertKey()
    return { ...head, origin, note: signCheckpoint(origin, head, privateKey, publicKey) }
  }

  #state(): SignerState {
    const { stateFile, origin } = this.#options
    const state = stateFile === undefined ? null : readStateOrRefuse(stateFile)
    if (!state) {
      throw new ApiError(
        'signer_state_missing',
        'The file with the state of the signer is missing. It is never made anew for an old key: see docs/OPERATIONS.md, "Put the signing key back" or "New origin".',
      )
    }
    if (origin !== undefined && origin !== state.origin) {
      throw refusal('AUDIT_ORIGIN is not the origin that the signer has signed under')
    }
    return state
  }

  async #replace(state: SignerState, before: SignerState): Promise<void> {
    try {
      await replaceState(this.#options.stateFile as string, state, before)
    } catch (cause) {
      throw new ApiError('signer_refused', 'The state of the signer cannot be written.', { cause })
    }
  }
}
