import type { WitnessAnswer } from './witness-client.ts'

/** Why a witness that was reached does not cosign. The message may go into a log. */
export class RefusedByWitness extends Error {}

/** What a witness said: lines of signatures, or which size it has cosigned last. */
export type WitnessVerdict = { cosigned: string } | { seen: number }

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'it cannot read the request',
  403: 'it knows another key of this log',
  404: 'it does not know this log: give it the verifier key',
  409: 'it has cosigned another root of this size: this log has forked',
  422: 'this log does not continue the one that it cosigned before',
}

/** The body of add-checkpoint (https://c2sp.org/tlog-witness). `old` is the size that was cosigned last. */
export function addCheckpointBody(old: number, proof: readonly Buffer[], note: string): string {
  return `old ${old}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note}`
}

/** What an answer to add-checkpoint means; it may hold anything. Throws {@link RefusedByWitness}. */
export function judgeAnswer({ status, type, text }: WitnessAnswer): WitnessVerdict {
  if (status === 200) return { cosigned: text }
  if (status === 409 && type === 'text/x.tlog.size') {
    const seen = /^(0|[1-9][0-9]{0,15})\n$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(seen)) return { seen }
    throw new RefusedByWitness('it does not say where it is')
  }
  throw new RefusedByWitness(REFUSALS[status] ?? `it answered with status ${status}`)
}
