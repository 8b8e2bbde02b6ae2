import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { judgeAibom } from '../src/aibom.ts'
import { type AibomKey, makeAibomKey } from '../src/aibom-keys.ts'

interface Case {
  name: string
  aibom: JsonValue
  keys: { public_key: string }[]
}
const vectors: { detached_jcs: Case[]; cyclonedx_jsf: Case[] } = JSON.parse(
  readFileSync(new URL('../../../docs/vectors/aibom.json', import.meta.url), 'utf8'),
)
const MISTYPED: readonly JsonValue[] = [null, 7, true, 'text', [], {}]

function keyOf({ public_key }: { public_key: string }): AibomKey {
  const x = Buffer.from(public_key, 'hex').toString('base64url')
  return makeAibomKey(createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }))
}

/** Every value that differs by one member, at any depth, which is left out or of another type. */
function* changesOf(value: JsonValue, path = ''): Generator<{ path: string; changed: JsonValue }> {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [i, part] of value.entries()) {
      for (const { path: at, changed } of changesOf(part, `${path}/${i}`))
        yield { path: at, changed: value.with(i, changed) }
    }
    return
  }
  for (const [name, part] of Object.entries(value)) {
    const at = `${path}/${name}`
    const { [name]: _out, ...fewer } = value
    yield { path: at, changed: fewer }
    for (const other of MISTYPED) yield { path: at, changed: { ...value, [name]: other } }
    for (const inner of changesOf(part, at))
      yield { path: inner.path, changed: { ...value, [name]: inner.changed } as JsonObject }
  }
}

test('a change of one member makes no bill verified, but for taking away what was added unsigned', () => {
  let changes = 0
  const helped = new Set<string>()
  for (const { name, aibom, keys } of [...vectors.detached_jcs, ...vectors.cyclonedx_jsf]) {
    const configured = keys.map(keyOf)
    if (judgeAibom(aibom, configured).status === 'verified') continue
    for (const { path, changed } of changesOf(aibom)) {
      changes++
      if (judgeAibom(changed, configured).status === 'verified') helped.add(`${name}: ${path}`)
    }
  }
  assert.ok(changes > 3000, `${changes}`)
  // In each of these somebody had added a member to a signed bill, and it is taken away again: what is
  // verified then is what was signed.
  assert.deepEqual([...helped].sort(), [
    'a JWS header member beside the algorithm: /signature/alg',
    'a key id added after signing: /signature/keyId',
    'a key id that is no text: /key_id',
    'a key id that is null: /key_id',
    'a member added: /also',
    'a member outside what is signed: /also',
    'names the other key: /key_id',
  ])
})

test('a change of one member of a verified bill leaves nothing verified, but for an unsigned key_id', () => {
  for (const { name, aibom, keys } of [...vectors.detached_jcs, ...vectors.cyclonedx_jsf]) {
    const configured = keys.map(keyOf)
    if (judgeAibom(aibom, configured).status !== 'verified') continue
    for (const { path, changed } of changesOf(aibom)) {
      const { status } = judgeAibom(changed, configured)
      const isSame = JSON.stringify(changed) === JSON.stringify(aibom)
      if (status === 'verified' && !isSame) assert.equal(path, '/key_id', name)
    }
  }
})
