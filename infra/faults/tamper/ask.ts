import { readCheckpoint } from '../../../clients/typescript/src/checkpoint.ts'
import { verifyConsistency } from '../../../clients/typescript/src/merkle.ts'
import type { Instance, Victim } from './victim.ts'

/**
 * Asks for a checkpoint: whatever is signed continues what was signed before, and otherwise the signer refuses and
 * nothing else goes wrong. Returns what is not so, in words.
 */
export async function askSigner(
  instance: Instance,
  { lastNote }: Victim,
  mustRefuse = false,
): Promise<string[]> {
  const { status, text } = await instance.get('/checkpoint')
  if (status !== 200) {
    const { code } = JSON.parse(text)
    return status === 503 && code === 'signer_refused' ? [] : [`no checkpoint: ${status} ${code}`]
  }
  if (mustRefuse) return ['a checkpoint was signed']
  const old = readCheckpoint(lastNote)
  const { size, root } = readCheckpoint(text)
  const proof = await instance.get(`/proof/consistency?from=${old.size}&to=${size}`)
  const hashes: string[] = proof.status === 200 ? JSON.parse(proof.text).hashes : []
  const hex = hashes.map((hash) => Buffer.from(hash, 'base64').toString('hex'))
  return verifyConsistency(old.size, size, old.root, root, hex)
    ? []
    : [`a checkpoint of ${size} was signed that does not continue that of ${old.size}`]
}
