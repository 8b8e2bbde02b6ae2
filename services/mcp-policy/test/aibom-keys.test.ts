import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { loadAibomKeys, makeAibomKey } from '../src/aibom-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'aibom-keys-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'keys.pem')
const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString()

test('while keys are rotated one file holds several, with text between them', () => {
  const keys = [1, 2, 3].map(() => generateKeyPairSync('ed25519').publicKey)
  writeFileSync(path, keys.map((key) => `# team key\n${pem(key)}`).join('\n'))
  assert.deepEqual(
    loadAibomKeys(path).map(({ id, bytes }) => [id, bytes.length]),
    keys.map((key) => [makeAibomKey(key).id, 32]),
  )
})

test('a key under which anybody can sign is refused before it is used', () => {
  const good = generateKeyPairSync('ed25519').publicKey
  for (const hex of [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]) {
    const x = Buffer.from(hex, 'hex').toString('base64url')
    const bad = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
    writeFileSync(path, pem(good) + pem(bad))
    assert.throws(
      () => loadAibomKeys(path),
      (error) => error instanceof EnvironmentError && /small order/.test(error.message),
      hex,
    )
  }
})

test('a private key, another type of key and no key at all are refused', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  for (const [text, why] of [
    [privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), /holds a PRIVATE KEY/],
    [pem(generateKeyPairSync('x25519').publicKey), /type x25519/],
    [pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), /type ec/],
    ['no key', /no PEM block/],
  ] as const) {
    writeFileSync(path, text)
    assert.throws(() => loadAibomKeys(path), why)
  }
})
