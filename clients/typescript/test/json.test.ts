import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from '../src/canonical-json.ts'
import type { JsonValue } from '../src/json.ts'
import { isCanonicalJson, JsonTextError, membersOf, parseJson } from '../src/json-text.ts'
import { readVectors } from './vectors.ts'

const vectors = readVectors<{
  canonical: { text: string; canonical: string }[]
  accepted: string[]
  refused: { text: string; why: string }[]
}>('json.json')

for (const { text, canonical } of vectors.canonical) {
  test(`${text} has the canonical form ${canonical}`, () => {
    assert.equal(canonicalJson(parseJson(text)), canonical)
    assert.equal(isCanonicalJson(canonical), true)
    assert.equal(isCanonicalJson(text), text === canonical)
  })
}

for (const text of vectors.accepted) {
  test(`JSON that the services take is read: ${text.slice(0, 40)}`, () => {
    assert.deepEqual(parseJson(text), JSON.parse(text))
  })
}

// What the services refuse because of their limits or of what PostgreSQL can hold is JSON all the same, and
// canonical text may hold long integers.
const LIMITS = /nest|depth|value|0000|2\^53|integer|proto|constructor|large/i

for (const { text, why } of vectors.refused.filter((vector) => !LIMITS.test(vector.why))) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused: ${why}`, () => {
    assert.throws(() => parseJson(text), JsonTextError)
    assert.equal(isCanonicalJson(text), false)
  })
}

for (const text of [
  ...[
    '',
    ' ',
    '{',
    '[',
    '"',
    '"\\',
    '"\\u12',
    '"\\x"',
    '"\n"',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '[1,]',
  ],
  ...['[1 2]', '{,}', '01', '1.', '.5', '+1', '1e', '-', 'nul', 'truex', 'NaN', 'Infinity', '1 2'],
  ...[
    "{'a':1}",
    '{a:1}',
    '[1]]',
    '{"a":1}}',
    '\u00a01',
    '\ufeff1',
    '// 1\n1',
    '1e999',
    '"\\ud800"',
  ],
  ...['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '['.repeat(100_000), '{"a":'.repeat(100_000)],
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no JSON here`, () => {
    assert.throws(() => parseJson(text), JsonTextError)
    assert.equal(isCanonicalJson(text), false)
  })
}

for (const text of [
  ...[' 1', '1 ', '[1, 2]', '{"b":1,"a":2}', '1.0', '1e2', '-0', '"\\u0041"', '"\\/"', '"\\u001F"'],
  ...['9007199254740993', '0.1e1', '"\\u000a"'],
]) {
  test(`${JSON.stringify(text)} is JSON, and not canonical`, () => {
    parseJson(text)
    assert.equal(isCanonicalJson(text), false)
  })
}

test('a long integer is canonical where it is how ECMAScript prints the number', () => {
  assert.equal(isCanonicalJson('100000000000000000000'), true)
  assert.equal(isCanonicalJson('100000000000000000001'), false)
})

test('whatever JSON can hold is canonical after canonicalJson, and says the same', () => {
  const wellFormed = fc.jsonValue().filter((value) => JSON.stringify(value).isWellFormed())
  fc.assert(
    fc.property(wellFormed, (value) => {
      const text = JSON.stringify(value)
      let canonical: string
      try {
        canonical = canonicalJson(value as JsonValue)
      } catch {
        // Half a surrogate pair, which stringify writes as an escape.
        assert.match(text, /\\ud[89a-f]/)
        return
      }
      assert.equal(isCanonicalJson(canonical), true)
      assert.deepEqual(JSON.parse(canonical), JSON.parse(text))
      assert.equal(isCanonicalJson(text), text === canonical)
    }),
    { numRuns: 2_000 },
  )
})

test('a text is taken if and only if JSON.parse takes it and no name comes twice', () => {
  const piece = fc.constantFrom(
    ...['{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-', '0', 'e', '.', ' ', 'true'],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
      const text = pieces.join('')
      const isTaken = taken(() => parseJson(text))
      if (isTaken) JSON.parse(text)
      else if (taken(() => JSON.parse(text))) assert.match(text, /("a").*\1|("b").*\2|e/)
    }),
    { numRuns: 20_000 },
  )
})

test('what is no JSON at all cannot be written', () => {
  for (const value of [
    undefined,
    () => 1,
    1n,
    Symbol('x'),
    NaN,
    Infinity,
    '\ud800',
    [undefined],
    { a: undefined },
    new Array(2),
  ]) {
    assert.throws(() => canonicalJson(value as JsonValue), TypeError)
  }
  const loop: JsonValue[] = []
  loop.push(loop)
  assert.throws(() => canonicalJson(loop), TypeError)
})

test('the members of an object are found where they stand', () => {
  const text = ' {"a" : [1, {"b":2}] , "c\\u0064":"x,}" } '
  const spans = [...membersOf(text)].map(([name, { start, end }]) => [name, text.slice(start, end)])
  assert.deepEqual(spans, [
    ['a', '[1, {"b":2}]'],
    ['cd', '"x,}"'],
  ])
  for (const refused of ['[1]', '{"a":1,"a":1}', '{"a":{"b":1,"b":1}}', '{"a":{"b":}}']) {
    assert.throws(() => membersOf(refused), JsonTextError)
  }
})

test('the object of a line has a million values at most, and says which rule it breaks', () => {
  const values = (count: number) => `{"a":[${'1,'.repeat(count - 2)}1]}`
  assert.equal(membersOf(values(1_000_000)).size, 1)
  assert.throws(() => membersOf(values(1_000_001)), { rule: /more than 1000000 values/ })
  assert.throws(() => membersOf('{"a":1'), { rule: null })
})

function taken(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
