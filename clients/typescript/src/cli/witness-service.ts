import { cosignNote, NoteError, noteText, signatureLine, type VerifierKey } from '../signed-note.ts'
import {
  type AddCheckpoint,
  isFork,
  judge,
  readAddCheckpoint,
  trustedSignatures,
  WitnessRefusal,
} from '../witness.ts'
import type { WitnessState } from './witness-state.ts'

/** A line of the log: what happened, never what was sent. */
export type WriteLog = (line: { level: 'info' | 'error'; [name: string]: string | number }) => void

export interface WitnessOptions {
  /** The name under which it signs. */
  name: string
  /** The 32 bytes of its private key. */
  seed: Uint8Array
  /** The keys of each origin that it witnesses. */
  logs: ReadonlyMap<string, readonly VerifierKey[]>
  state: WitnessState
  log: WriteLog
}

/** A witness as C2SP tlog-witness wants it, without the HTTP around it. */
export class Witness {
  readonly #options: WitnessOptions
  /** The last request of each origin, done or under way. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  /**
   * Cosigns the checkpoint in the body of an add-checkpoint request, and returns the line to answer with, only after
   * it is on record. Throws {@link WitnessRefusal}, and what the file system throws.
   */
  async cosign(body: string): Promise<string> {
    const { logs, log } = this.#options
    // Said of logs that are known alone: any other name is whatever somebody chose to send.
    let about = {}
    try {
      const request = readRequest(body)
      const { origin, size, note } = request.checkpoint
      const signatures = trustedSignatures(request.checkpoint, logs)
      about = { origin, size }
      // Of the signatures those of the log are kept; the others are whatever the asker put there.
      const checkpoint = { ...request.checkpoint, note: { ...note, signatures } }
      const line = await this.#inTurn(origin, () => this.#record({ ...request, checkpoint }))
      log({ level: 'info', msg: 'cosigned', ...about })
      return line
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const status = error instanceof WitnessRefusal ? error.status : 500
      log({ level: isAlarming(error) ? 'error' : 'info', msg: 'refused', status, reason, ...about })
      throw error
    }
  }

  /** Requests about one log wait for one another. */
  #inTurn<Result>(origin: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(origin) ?? Promise.resolve()).then(work)
    const settled = turn.catch(() => {})
    this.#turns.set(origin, settled)
    return turn
  }

  async #record(request: AddCheckpoint): Promise<string> {
    const { name, seed, state } = this.#options
    const { origin, size, note } = request.checkpoint
    for (;;) {
      const seen = await state.seen(origin)
      if (isFork(request.checkpoint, seen)) await state.keepFork(origin, seen, noteText(note))
      judge(request, seen)
      const now = BigInt(Math.floor(Date.now() / 1000))
      const cosignature = cosignNote(note.text, name, seed, now)
      // What is on record is cosigned again with the time of now; what is not, when it is.
      if (size === seen.size) return signatureLine(cosignature)
      const cosigned = noteText({ ...note, signatures: [...note.signatures, cosignature] })
      if (await state.advance(origin, seen, cosigned)) return signatureLine(cosignature)
    }
  }
}

function readRequest(body: string): AddCheckpoint {
  try {
    return readAddCheckpoint(body)
  } catch (error) {
    throw error instanceof NoteError ? new WitnessRefusal(400, error.message) : error
  }
}

/** A record that cannot be kept, or a checkpoint of the log's own that contradicts or does not continue the last. */
function isAlarming(error: unknown): boolean {
  if (!(error instanceof WitnessRefusal)) return true
  return error.status === 422 || (error.status === 409 && error.seenSize === null)
}
