import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { parseWitnessKey } from '../src/witness/cosignature.ts'

/** The key of a witness, and what it signs. */
export function makeWitness(name = 'witness.example/w1') {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url')
  const bytes = Buffer.concat([Buffer.of(4), raw])
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), bytes]), 'buffer').subarray(
    0,
    4,
  )
  const vkey = `${name}+${id.toString('hex')}+${bytes.toString('base64')}`
  const key = parseWitnessKey(vkey)
  assert.ok(key)
  return {
    vkey,
    key,
    line: (text: string, time: number) => cosign(name, id, privateKey, text, time),
  }
}

function cosign(name: string, id: Buffer, key: KeyObject, text: string, time: number): string {
  const stamp = Buffer.alloc(8)
  stamp.writeBigUInt64BE(BigInt(time))
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), key)
  return `— ${name} ${Buffer.concat([id, stamp, signature]).toString('base64')}\n`
}
