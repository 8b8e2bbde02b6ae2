import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStrictJson } from '@ai-governance/common/formats/strict-json'
import fc from 'fast-check'

const parse = (text: string, maxValues?: number) => parseStrictJson(Buffer.from(text), maxValues)

test('values are counted, names are not, and one value too many is refused', () => {
  const text = '{"a":[1,2,3],"b":{"c":"x"}}' // 8 values: 2 objects, 1 array, 3 numbers, 1 string ...
  assert.deepEqual(parse(text, 7), JSON.parse(text))
  assert.throws(() => parse(text, 6), /more than 6 values/)
})

test('an array of 10,000 scalars and itself is one value too many by default', () => {
  const list = (n: number) => `[${Array(n).fill('0').join(',')}]`
  assert.equal((parse(list(9_999)) as unknown[]).length, 9_999)
  assert.throws(() => parse(list(10_000)), /more than 10000 values/)
})

test('a name that occurs a second time among many is found', () => {
  const names = Array.from({ length: 500 }, (_, i) => `"n${i}":${i}`)
  assert.equal(Object.keys(parse(`{${names.join(',')}}`) as object).length, 500)
  assert.throws(() => parse(`{${names.join(',')},"n250":1}`), /same name twice/)
})

test('depth is counted by the deepest nesting, not by how many containers there are', () => {
  const wide = `[${Array(200).fill('[[]]').join(',')}]`
  assert.deepEqual(parse(wide), JSON.parse(wide))
})

test('a message never repeats what was sent', () => {
  for (const text of ['{"secret":1,"secret":2}', 'secret', '"secret\\u0000"']) {
    assert.throws(
      () => parse(text),
      (error: Error) => !error.message.includes('secret'),
    )
  }
})

test('every I-JSON text that JavaScript prints is read as JSON.parse reads it', () => {
  // Names that must be refused and numbers beyond 2^53 are left out of what is generated.
  const value = fc.jsonValue({ maxDepth: 6 }).filter((v) => {
    const text = JSON.stringify(v)
    return (
      !/__proto__|prototype|\\u0000|\\ud[89a-f]/i.test(text) &&
      !/(?<![.\d])-?\d{16,}(?![.eE\d])/.test(text)
    )
  })
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (v, space) => {
      const text = JSON.stringify(v, null, space)
      assert.deepEqual(parse(text), JSON.parse(text))
    }),
    { numRuns: 2_000 },
  )
})

test('no bytes make the reader fail otherwise than by refusing', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ':',
    ',',
    'a',
    '\\u',
    'd800',
    '0',
    '1e9',
    '-',
    ' ',
    'true',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
      const text = parts.join('')
      let expected: unknown
      let isJson = true
      try {
        expected = JSON.parse(text)
      } catch {
        isJson = false
      }
      try {
        assert.deepEqual(parse(text), expected)
      } catch (error) {
        assert.equal((error as Error).name, 'StrictJsonError', String(isJson))
      }
    }),
    { numRuns: 5_000 },
  )
})
