import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '@ai-governance/common/formats/canonical-json'
import { judgeAibom } from '../src/aibom.ts'
import { makeAibomKey } from '../src/aibom-keys.ts'

function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { ...makeAibomKey(publicKey), privateKey }
}
const signed = (
  data: JsonObject,
  privateKey: KeyObject,
  encoding: 'hex' | 'base64' | 'base64url' = 'hex',
) => sign(null, Buffer.from(canonicalJson(data)), privateKey).toString(encoding)

const ours = makeKey()
const next = makeKey()
const foreign = makeKey()
const data = { model_id: 'fraud', version: '1', metrics: { accuracy: 0.91 }, é: [1, 2.5, null] }
const signature = signed(data, ours.privateKey)
const judge = (aibom: JsonValue | undefined, keys = [ours, next]) => judgeAibom(aibom, keys)

test('a signature in each of the three encodings verifies, whatever the order of the members', () => {
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    const reordered = {
      é: [1, 2.5, null],
      metrics: { accuracy: 0.91 },
      version: '1',
      model_id: 'fraud',
    }
    assert.deepEqual(
      judge({ signature: signed(data, ours.privateKey, encoding), data: reordered }),
      {
        status: 'verified',
        format: 'detached-jcs',
        key_id: ours.id,
        canonical_sha256: createHash('sha256').update(canonicalJson(data)).digest('hex'),
        reason: null,
      },
    )
  }
})

test('while a key is rotated both keys count, and a named key is the one that is tried', () => {
  const byNext = signed(data, next.privateKey)
  assert.equal(judge({ data, signature: byNext }).key_id, next.id)
  assert.equal(judge({ data, signature: byNext, key_id: next.id }).status, 'verified')
  assert.equal(judge({ data, signature: byNext, key_id: ours.id }).status, 'invalid')
})

test('no bill at all is absent', () => {
  assert.equal(judge(undefined).status, 'absent')
  assert.equal(judge(null).status, 'absent')
})

test('a key id that is not configured, or no configured key, is untrusted', () => {
  const byForeign = signed(data, foreign.privateKey)
  assert.equal(judge({ data, signature: byForeign, key_id: foreign.id }).status, 'untrusted_key')
  assert.equal(judge({ data, signature }, []).reason, 'no_keys_configured')
})

test('changed data, a changed signature and a foreign signature are invalid', () => {
  for (const aibom of [
    { data: { ...data, version: '2' }, signature },
    { data: { ...data, more: null }, signature },
    { data, signature: signature.replace(/^./, (c) => (c === '0' ? '1' : '0')) },
    { data, signature: signed(data, foreign.privateKey) },
  ]) {
    assert.deepEqual([judge(aibom).status, judge(aibom).reason], ['invalid', 'signature_mismatch'])
  }
})

test('a signature has one text: upper case, padding, stray bits and other lengths are malformed', () => {
  // One whose two alphabets differ: about one signature in fifteen is the same text in both.
  const fits = (text: string) => /[+/]/.test(text)
  let base64 = ''
  for (let n = 0; !fits(base64.slice(0, 86)); n++) {
    base64 = signed({ ...data, n }, ours.privateKey, 'base64')
  }
  const base64url = signed(data, ours.privateKey, 'base64url')
  const strayBits = base64url.slice(0, 85) + String.fromCharCode(base64url.charCodeAt(85) + 1)
  for (const text of [
    signature.toUpperCase(),
    signature.slice(2),
    `${signature}00`,
    ` ${signature.slice(1)}`,
    base64.slice(0, 86),
    `${base64url}==`.replace(/^./, '-'),
    strayBits,
    '',
  ]) {
    const { status, reason } = judge({ data, signature: text })
    assert.deepEqual([status, reason], ['invalid', 'malformed_signature'], text)
  }
  for (const value of [null, 7, [signature], { hex: signature }]) {
    assert.equal(judge({ data, signature: value as JsonValue }).reason, 'malformed_signature')
  }
})

test('other shapes have reasons of their own and count as no bill', () => {
  for (const [aibom, reason] of [
    ['text', 'not_an_object'],
    [[data], 'not_an_object'],
    [{ bomFormat: 'CycloneDX', specVersion: '1.4' }, 'spec_version_not_supported'],
    [{ bomFormat: 'CycloneDX', specVersion: '1.6' }, 'not_signed'],
    [{}, 'unknown_format'],
    [{ data: 'text', signature }, 'unknown_format'],
    [{ data }, 'not_signed'],
  ] as [JsonValue, string][]) {
    assert.deepEqual([judge(aibom).status, judge(aibom).reason], ['unsupported', reason])
  }
})

test('a member outside what is signed is invalid', () => {
  assert.equal(judge({ data, signature, also: 'this' }).reason, 'unknown_member')
  assert.equal(judge({ data, signature, key_id: 7 }).reason, 'malformed_key_id')
})
