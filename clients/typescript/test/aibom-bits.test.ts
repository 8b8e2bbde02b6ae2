import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../src/canonical-json.ts'
import { generateAibomKeyPair, signAibom, verifyAibom } from '../src/index.ts'
import type { JsonObject, JsonValue } from '../src/json.ts'
import { parseJson } from '../src/json-text.ts'

const pair = generateAibomKeyPair()
const bom = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ name: 'é' }] }
const data = { model_id: 'm', n: 1 }

for (const [name, aibom] of Object.entries({
  'cyclonedx-jsf': signAibom(bom, pair, { format: 'cyclonedx-jsf' }),
  'detached-jcs': signAibom(data, pair),
})) {
  test(`every single-bit change to the canonical text of a signed bill is refused: ${name}`, () => {
    const bytes = Buffer.from(canonicalJson(aibom))
    assert.equal(refusalOf(bytes), null)
    const refusals = new Set<string>()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      const refusal = refusalOf(changed)
      assert.ok(refusal, `bit ${bit}: ${changed}`)
      refusals.add(refusal)
    }
    // Each way to be refused was taken, so that not one of them hides the others.
    for (const way of ['not_json', 'signature_mismatch', 'malformed_signature', 'unknown_key_id'])
      assert.ok(refusals.has(way), way)
  })
}

/** Why a text is no verified bill; null if it is one. */
function refusalOf(bytes: Buffer): string | null {
  let value: JsonValue
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return 'not_json'
  }
  const { status, reason } = verifyAibom(value as JsonObject, [pair.publicKey])
  return status === 'verified' ? null : (reason ?? status)
}

test('a bill that is deeper than the stack is refused, not thrown at', () => {
  let deep: JsonValue = []
  for (let i = 0; i < 200_000; i++) deep = [deep]
  const signature = { algorithm: 'Ed25519', value: 'A'.repeat(86) }
  const { status } = verifyAibom({ ...bom, deep, signature }, [pair.publicKey])
  assert.equal(status, 'invalid')
})
