import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { outcomeOf } from './sets.ts'

/** What a require of one comparison comes to: true, false or not established. */
function truth(condition: string, payload: JsonObject, evidence: JsonObject | null = null) {
  const outcome = outcomeOf(`require: { ${condition} }`, payload, evidence)
  return { kept: true, broken: false, not_established: null }[outcome]
}

test('each ordering operator compares numbers', () => {
  const at = (op: string) =>
    [1, 2, 3].map((amount) => truth(`field: amount, op: ${op}, value: 2`, { amount }))
  assert.deepEqual(at('gt'), [false, false, true])
  assert.deepEqual(at('gte'), [false, true, true])
  assert.deepEqual(at('lt'), [true, false, false])
  assert.deepEqual(at('lte'), [true, true, false])
})

test('eq, ne, in and not_in compare whole values of one type', () => {
  const at = (condition: string) =>
    ['red', 'green'].map((colour) => truth(`field: colour, ${condition}`, { colour }))
  assert.deepEqual(at('op: eq, value: red'), [true, false])
  assert.deepEqual(at('op: ne, value: red'), [false, true])
  assert.deepEqual(at('op: in, value: [red, blue]'), [true, false])
  assert.deepEqual(at('op: not_in, value: [red, blue]'), [false, true])
})

test('contains is equality with an element, never with a part of one', () => {
  const contains = (tags: JsonValue) => truth('field: tags, op: contains, value: shell', { tags })
  assert.equal(contains(['shell']), true)
  assert.equal(contains(['shellfish', 'no shell']), false)
  assert.equal(contains([]), false)
  assert.equal(contains('shell'), null)
})

test('a list with one element of another type establishes nothing', () => {
  for (const tags of [
    ['a', 1],
    [['shell']],
    [null],
    [{ shell: true }],
    { 0: 'shell', length: 1 },
  ]) {
    assert.equal(truth('field: tags, op: contains, value: shell', { tags }), null)
  }
})

test('the elements of a list keep to its items and enum', () => {
  assert.equal(truth('field: tools, op: contains, value: shell', { tools: ['search'] }), false)
  assert.equal(truth('field: tools, op: contains, value: shell', { tools: ['shell', 'rm'] }), null)
  assert.equal(truth('field: sizes, op: contains, value: 2', { sizes: [1, 2] }), true)
  assert.equal(truth('field: sizes, op: contains, value: 2', { sizes: ['2'] }), null)
})

test('nothing is coerced to a number', () => {
  for (const amount of ['1', true, null, [1], {}, '']) {
    assert.equal(truth('field: amount, op: gte, value: 1', { amount }), null)
    assert.equal(truth('field: amount, op: ne, value: 1', { amount }), null)
  }
})

test('an integer has no fraction', () => {
  const count = (value: JsonValue) => truth('field: count, op: gte, value: 1', { count: value })
  assert.equal(count(1.5), null)
  assert.equal(count(2), true)
  assert.equal(count(1e20), true)
})

test('minus zero is zero', () => {
  assert.equal(truth('field: amount, op: eq, value: 0', { amount: -0 }), true)
  assert.equal(truth('field: amount, op: in, value: [0]', { amount: -0 }), true)
  assert.equal(truth('field: count, op: eq, value: 0', { count: -0 }), true)
  assert.equal(truth('field: sizes, op: contains, value: 0', { sizes: [-0] }), true)
})

test('numbers outside the bounds, or not finite, establish nothing', () => {
  for (const share of [-0.1, 1.1, Number.NaN, Infinity]) {
    assert.equal(truth('field: share, op: gte, value: 0.5', { share }), null)
  }
  for (const amount of [Number.NaN, Infinity, -Infinity]) {
    assert.equal(truth('field: amount, op: ne, value: 0.5', { amount }), null)
  }
})

test('a boolean is true or false, not a word for it', () => {
  assert.equal(truth('field: flag, op: eq, value: true', { flag: true }), true)
  assert.equal(truth('field: flag, op: eq, value: true', { flag: 'true' }), null)
  assert.equal(truth('field: flag, op: eq, value: true', { flag: 1 }), null)
})

test('a dotted field is read through objects, not from a name with a dot', () => {
  const inner = (payload: JsonObject) => truth('field: outer.inner, op: eq, value: a', payload)
  assert.equal(inner({ outer: { inner: 'a' } }), true)
  assert.equal(inner({ 'outer.inner': 'a' }), null)
  for (const outer of [null, 'a', 1, ['a'], [{ inner: 'a' }]]) assert.equal(inner({ outer }), null)
})

test('attack: members that every object inherits are not members of the payload', () => {
  assert.equal(truth('field: constructor, op: ne, value: a', {}), null)
  assert.equal(truth('field: __proto__.length, op: gte, value: 0', {}), null)
  const own = JSON.parse('{"constructor": "a", "__proto__": {"length": 1}}') as JsonObject
  assert.equal(truth('field: constructor, op: eq, value: a', own), true)
  assert.equal(truth('field: __proto__.length, op: eq, value: 1', own), true)
  for (const text of ['{"__proto__": [1]}', '{"__proto__": "a"}']) {
    assert.equal(truth('field: __proto__.length, op: gte, value: 0', JSON.parse(text)), null)
  }
  const nested = JSON.parse('{"__proto__": {"constructor": "a"}}') as JsonObject
  assert.equal(truth('field: constructor, op: eq, value: a', nested), null)
})

test('a field from the AIBOM is read from verified evidence and nowhere else', () => {
  const proven = (payload: JsonObject, evidence: JsonObject | null) =>
    truth('field: proven.share, op: gte, value: 0.5', payload, evidence)
  const claim = { proven: { share: 0.9 } }
  assert.equal(proven(claim, null), null)
  assert.equal(proven(claim, {}), null)
  assert.equal(proven({}, claim), true)
  assert.equal(proven(claim, { proven: { share: 0.1 } }), false)
})

test('a field of the payload is not read from the evidence', () => {
  assert.equal(truth('field: share, op: gte, value: 0.5', {}, { share: 0.9 }), null)
})
