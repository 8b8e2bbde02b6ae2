import { ApiError } from '@ai-governance/common/errors'
import type { Prover } from '../tree/prover.ts'
import type { Witnessed } from '../witness/witnessed.ts'
import type { Checkpoint, Signer } from './signer.ts'

/** What vouches for an export, as members of its trailer (docs/FORMATS.md). */
export interface Attestation {
  /** A signed note, null where nothing can be signed. */
  checkpoint: string | null
  verifier_key: string | null
  /** Hashes in base64: the proof of the last entry, where the export is not the whole log of the checkpoint. */
  inclusion?: string[]
}

const UNATTESTED: Attestation = { checkpoint: null, verifier_key: null }
const UNSIGNED: readonly string[] = [
  'signing_key_missing',
  'signer_state_missing',
  'signer_refused',
]

/**
 * A fresh checkpoint with what witnesses made of it, or the reason why there is none. Throws any other error, such as
 * a database away.
 */
export async function checkpointOrReason(
  signer: Signer,
  witnessed: Witnessed,
): Promise<Checkpoint | ApiError> {
  try {
    return await witnessed.withLines(await signer.checkpoint())
  } catch (error) {
    if (error instanceof ApiError && UNSIGNED.includes(error.code)) return error
    throw error
  }
}

/**
 * The attestation of an export that starts at `from` and ends with `lastId`, under `checkpoint`; one that says
 * nothing where the entry is not the one that was signed.
 */
export async function attestation(
  signer: Signer,
  prover: Prover,
  checkpoint: Checkpoint | null,
  from: number,
  lastId: number | null,
): Promise<Attestation> {
  if (!checkpoint) return UNATTESTED
  const isWhole = from === 1 && lastId === checkpoint.size
  try {
    return {
      checkpoint: checkpoint.note,
      verifier_key: signer.verifierKey(),
      ...(lastId !== null &&
        !isWhole && { inclusion: base64(await inclusion(signer, prover, lastId, checkpoint)) }),
    }
  } catch (error) {
    if (error instanceof ApiError && UNSIGNED.includes(error.code)) return UNATTESTED
    throw error
  }
}

/** Somebody's checkpoint that failed while the export went on took the tree along: then it is read anew. */
async function inclusion(
  signer: Signer,
  prover: Prover,
  id: number,
  { size }: Checkpoint,
): Promise<Buffer[]> {
  try {
    return await prover.inclusion(id - 1, size)
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'not_ready')) throw error
    await signer.checkpoint()
    return prover.inclusion(id - 1, size)
  }
}

/** Hashes as they stand in JSON. */
export function base64(hashes: readonly Buffer[]): string[] {
  return hashes.map((hash) => hash.toString('base64'))
}
