import { checkpointText } from '../signer/signed-note.ts'
import type { Checkpoint } from '../signer/signer.ts'
import type { Prover } from '../tree/prover.ts'
import type { WitnessStore } from '../witness-store.ts'
import { addCheckpointBody, judgeAnswer, RefusedByWitness } from './add-checkpoint.ts'
import { CosignatureError, findCosignature } from './cosignature.ts'
import { WitnessClient } from './witness-client.ts'
import type { Witness } from './witnesses.ts'

/** In milliseconds. */
export interface PushTimes {
  /** From one checkpoint to the next. */
  every: number
  /** The longest rest after failures; the first one is as long as `every`. */
  maxRest: number
  /** A witness that has not cosigned what there is for so long is reported. */
  late: number
  /** For one call. */
  call: number
}

type WriteLog = (fields: object, message: string) => void

export interface PushParts {
  prover: Prover
  store: WitnessStore
  log: { info: WriteLog; warn: WriteLog }
}

/** Has checkpoints cosigned by one witness, and rests where it fails. */
export class WitnessPusher {
  readonly #witness: Witness
  readonly #client: WitnessClient
  readonly #parts: PushParts
  readonly #times: PushTimes
  #failures = 0
  #restsUntil = 0
  /** When it was last known to have cosigned all there was. */
  #goodAt = Date.now()

  constructor(witness: Witness, parts: PushParts, times: PushTimes) {
    this.#witness = witness
    this.#client = new WitnessClient(witness.url, times.call)
    this.#parts = parts
    this.#times = times
  }

  get key(): string {
    return this.#witness.key.text
  }

  isReady(): boolean {
    return Date.now() >= this.#restsUntil
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** Has a checkpoint cosigned, unless it was, or a larger one. `cosigned` is the largest size that was. */
  async offer(checkpoint: Checkpoint, cosigned: number, signal: AbortSignal): Promise<void> {
    try {
      if (checkpoint.size > cosigned) await this.#send(checkpoint, cosigned, signal)
      this.#succeeded(checkpoint.size)
    } catch (error) {
      if (!signal.aborted) this.#failed(error, checkpoint.size)
    }
  }

  async #send(checkpoint: Checkpoint, cosigned: number, signal: AbortSignal): Promise<void> {
    const { store, prover } = this.#parts
    const { key } = this.#witness
    let old = cosigned
    for (let attempt = 1; ; attempt++) {
      const hashes = await prover.consistency(old, checkpoint.size)
      const body = addCheckpointBody(old, hashes, checkpoint.note)
      const verdict = judgeAnswer(await this.#client.send(body, signal))
      if ('cosigned' in verdict) {
        const text = checkpointText(checkpoint.origin, checkpoint)
        const now = Math.floor(Date.now() / 1000)
        const line = findCosignature(verdict.cosigned, key, text, now)
        await store.keep(checkpoint, checkpoint.origin, key.text, line)
        return
      }
      if (verdict.seen > checkpoint.size) {
        // Another replica was quicker. If it is so again and again, the log has lost entries.
        throw new Error(`it has cosigned ${verdict.seen} entries, which is more`)
      }
      if (attempt === 2) throw new Error('it does not say where it is')
      old = verdict.seen
    }
  }

  #succeeded(size: number): void {
    const { log } = this.#parts
    if (this.#failures > 0) log.info({ witness: this.#witness.key.name, size }, 'a witness is back')
    this.#failures = 0
    this.#goodAt = Date.now()
  }

  #failed(error: unknown, size: number): void {
    const { every, maxRest, late } = this.#times
    this.#restsUntil = Date.now() + Math.min(every * 2 ** this.#failures, maxRest)
    this.#failures++
    const seconds = Math.round((Date.now() - this.#goodAt) / 1000)
    const isRefusal = error instanceof RefusedByWitness || error instanceof CosignatureError
    const level = isRefusal || seconds * 1000 >= late ? 'warn' : 'info'
    const reason = error instanceof Error ? error.message : String(error)
    this.#parts.log[level](
      { witness: this.#witness.key.name, size, reason, seconds },
      'a witness has not cosigned',
    )
  }
}
