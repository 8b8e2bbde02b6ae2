import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { signEnvelope } from '../src/dsse.ts'
import { digestsOf, IN_TOTO, summaryText } from '../src/vsa.ts'

/** What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

test('statement and envelope of an entry are those of the vectors, to the byte', () => {
  const path = new URL('../../../docs/vectors/vsa.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(path, 'utf8'))
  const { origin, entry, details, seed, keyid } = vectors
  const text = summaryText(origin, entry, details, digestsOf(details.artifacts))
  assert.equal(text, vectors.statement)
  const key = Buffer.concat([PKCS8, Buffer.from(seed, 'hex')])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const envelope = signEnvelope(IN_TOTO, Buffer.from(text), { privateKey, keyid })
  assert.deepEqual(envelope, vectors.envelope)
})
