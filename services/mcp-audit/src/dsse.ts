import { type KeyObject, sign } from 'node:crypto'

/** A signed envelope (https://github.com/secure-systems-lab/dsse/blob/master/envelope.md). */
export interface Envelope {
  payloadType: string
  /** In base64, as `sig`. */
  payload: string
  signatures: { keyid: string; sig: string }[]
}

/** What is signed: the pre-authentication encoding of DSSE, in which lengths stand before type and payload. */
export function preAuthEncoding(payloadType: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

/**
 * Signs a payload with an Ed25519 key. What is signed starts with "DSSEv1 ", and no checkpoint does: its first line is an
 * origin, which has no space. So one key may sign both, and neither passes for the other.
 */
export function signEnvelope(
  payloadType: string,
  payload: Buffer,
  { privateKey, keyid }: { privateKey: KeyObject; keyid: string },
): Envelope {
  const signature = sign(null, preAuthEncoding(payloadType, payload), privateKey)
  return {
    payloadType,
    payload: payload.toString('base64'),
    signatures: [{ keyid, sig: signature.toString('base64') }],
  }
}
