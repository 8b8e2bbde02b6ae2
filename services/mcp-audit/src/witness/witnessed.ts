import { ApiError } from '@ai-governance/common/errors'
import { checkpointText } from '../signer/signed-note.ts'
import type { Checkpoint, Signer } from '../signer/signer.ts'
import { refusal } from '../tree/prover.ts'
import type { WitnessStore } from '../witness-store.ts'
import { CosignatureError, cosignedAt, type WitnessKey } from './cosignature.ts'
import type { Witness } from './witnesses.ts'

/** Checkpoints together with what witnesses made of them. */
export class Witnessed {
  readonly #store: WitnessStore
  readonly #signer: Signer
  readonly #witnesses: readonly WitnessKey[]
  readonly #keys: readonly string[]

  constructor(store: WitnessStore, signer: Signer, witnesses: readonly Witness[]) {
    this.#store = store
    this.#signer = signer
    this.#witnesses = witnesses.map(({ key }) => key)
    this.#keys = this.#witnesses.map(({ text }) => text)
  }

  /** The checkpoint with the lines of those witnesses that have cosigned exactly this one, which may be none. */
  async withLines(checkpoint: Checkpoint): Promise<Checkpoint> {
    if (this.#keys.length === 0) return checkpoint
    const kept = await this.#store.linesOn(checkpoint, checkpoint.origin, this.#keys)
    const text = checkpointText(checkpoint.origin, checkpoint)
    const lines = kept.filter((line) =>
      this.#witnesses.some((key) => isCosignature(line, key, text)),
    )
    return { ...checkpoint, note: checkpoint.note + lines.map((line) => `${line}\n`).join('') }
  }

  /**
   * The newest checkpoint that all configured witnesses have cosigned, with their lines. Errors: `not_found` without
   * witnesses, `not_ready` where there is none yet, `signer_refused` where they cosigned another log than this one,
   * and those of the signer.
   */
  async newest(): Promise<Checkpoint> {
    if (this.#keys.length === 0) {
      throw new ApiError('not_found', 'this log has no witnesses: AUDIT_WITNESSES_PATH is not set')
    }
    const { origin, size } = await this.#signer.checkpoint()
    const head = await this.#store.newestOfAll(origin, this.#keys)
    if (!head) {
      throw new ApiError('not_ready', 'no checkpoint has been cosigned by all witnesses yet')
    }
    const ours = head.size <= size ? await this.#signer.checkpointAt(head.size) : null
    if (!ours?.root.equals(head.root)) {
      throw refusal(`The first ${head.size} entries are not those that the witnesses cosigned`)
    }
    return this.withLines(ours)
  }
}

/** Checked once more: a line that does not verify would make an honest export look forged. */
function isCosignature(line: string, key: WitnessKey, text: string): boolean {
  try {
    return cosignedAt(line, key, text) !== null
  } catch (error) {
    if (error instanceof CosignatureError) return false
    throw error
  }
}
