import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseTraceparent,
  parseTracestate,
  readTrace,
  traceFields,
  traceHeaders,
} from '@ai-governance/common/observability/trace-context'
import fc from 'fast-check'

const TRACE = '0123456789abcdef0123456789abcdef'
const SPAN = 'fedcba9876543210'

test('a traceparent of version 00 is read as its four fields', () => {
  const recorded = parseTraceparent(`00-${TRACE}-${SPAN}-01`)
  assert.deepEqual(recorded, { traceId: TRACE, spanId: SPAN, flags: 1, state: '' })
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.flags, 0)
})

test('reserved flags are not passed on', () => {
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.flags, 1)
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.flags, 0)
})

test('a later version is read like the first, with or without more behind a dash', () => {
  for (const text of [`01-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01-what-comes-later`]) {
    const trace = parseTraceparent(text)
    assert.ok(trace, text)
    assert.deepEqual(traceHeaders(trace), ['traceparent', `00-${TRACE}-${SPAN}-01`])
  }
})

const wrong: Record<string, string> = {
  empty: '',
  'version ff': `ff-${TRACE}-${SPAN}-01`,
  'a version of one digit': `0-${TRACE}-${SPAN}-01`,
  'a version that is no hex': `.0-${TRACE}-${SPAN}-01`,
  'more behind version 00': `00-${TRACE}-${SPAN}-01-`,
  'text behind version 00': `00-${TRACE}-${SPAN}-01-more`,
  'a later version with more and no dash': `01-${TRACE}-${SPAN}-01more`,
  'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
  'a parent id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
  'a short trace id': `00-${TRACE.slice(1)}-${SPAN}-01`,
  'a long trace id': `00-${TRACE}0-${SPAN}-01`,
  'a short parent id': `00-${TRACE}-${SPAN.slice(1)}-01`,
  'a trace id in upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  'a parent id in upper case': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  'no flags': `00-${TRACE}-${SPAN}`,
  'flags of one digit': `00-${TRACE}-${SPAN}-1`,
  'flags in upper case': `00-${TRACE}-${SPAN}-0A`,
  'underscores for dashes': `00_${TRACE}_${SPAN}_01`,
  'a space before': ` 00-${TRACE}-${SPAN}-01`,
  'a space behind': `00-${TRACE}-${SPAN}-01 `,
  'two of them': `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  'a line break': `00-${TRACE}-${SPAN}-01\n`,
}

for (const [what, text] of Object.entries(wrong)) {
  test(`a traceparent with ${what} begins a new trace, which nobody records, without its tracestate`, () => {
    assert.equal(parseTraceparent(text), null)
    const trace = readTrace(text, 'a=1')
    assert.match(trace.traceId, /^[0-9a-f]{32}$/)
    assert.match(trace.spanId, /^[0-9a-f]{16}$/)
    assert.notEqual(trace.traceId, TRACE)
    assert.deepEqual([trace.flags, trace.state], [0, ''])
    assert.equal(traceHeaders(trace).length, 2)
  })
}

test('a request without a traceparent gets a trace of its own, each another', () => {
  const ids = Array.from({ length: 2_000 }, () => readTrace(undefined, 'a=1'))
  assert.equal(new Set(ids.map(({ traceId }) => traceId)).size, ids.length)
  assert.equal(new Set(ids.map(({ spanId }) => spanId)).size, ids.length)
  for (const trace of ids) assert.ok(parseTraceparent(traceHeaders(trace)[1] as string))
})

test('a right tracestate goes with its traceparent', () => {
  const state = 'rojo=00f067aa0ba902b7,tenant@system=t61rcWkgMzE,a_b-c*d/e=with space'
  const trace = readTrace(`00-${TRACE}-${SPAN}-01`, state)
  assert.equal(trace.state, state)
  assert.deepEqual(traceHeaders(trace).slice(2), ['tracestate', state])
  assert.deepEqual(traceFields(trace), { trace_id: TRACE, span_id: SPAN })
})

test('space around members and empty members are dropped', () => {
  assert.equal(parseTracestate(' a=1 ,\t, b=2,,'), 'a=1,b=2')
  assert.equal(parseTracestate(''), '')
})

const wrongStates: Record<string, string> = {
  'no value': 'a=',
  'no equals sign': 'a',
  'a second equals sign': 'a=1=2',
  'no key': '=1',
  'a key in upper case': 'A=1',
  'a key that begins with a digit': '1a=1',
  'a key of 257 characters': `${'a'.repeat(257)}=1`,
  'an empty tenant': '@system=1',
  'an empty system': 'tenant@=1',
  'two at signs': 'a@b@c=1',
  'a system of 15 characters': `tenant@${'s'.repeat(15)}=1`,
  'a tenant of 242 characters': `${'t'.repeat(242)}@s=1`,
  'a value of 257 characters': `a=${'1'.repeat(257)}`,
  'a value with a control character': 'a=\u0001',
  'a value beyond ASCII': 'a=ä',
  'a key that comes twice': 'a=1,b=2,a=3',
  '33 members': Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(','),
}

for (const [what, state] of Object.entries(wrongStates)) {
  test(`a tracestate with ${what} is dropped, and the trace goes on`, () => {
    const trace = readTrace(`00-${TRACE}-${SPAN}-01`, `good=1,${state}`)
    assert.deepEqual([trace.traceId, trace.state], [TRACE, ''])
  })
}

test('the longest key, tenant and value, and 32 members are passed on', () => {
  for (const state of [
    `${'a'.repeat(256)}=${'1'.repeat(255)}`,
    `${'t'.repeat(241)}@${'s'.repeat(14)}=1`,
    `a=${'1'.repeat(256)}`,
    Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(','),
  ]) {
    assert.equal(parseTracestate(state), state)
  }
})

test('of more than 512 characters the long members go first, then the last ones', () => {
  const long = `long=${'x'.repeat(200)}`
  const short = Array.from({ length: 5 }, (_, i) => `k${i}=${'y'.repeat(90)}`)
  assert.equal(parseTracestate([long, ...short].join(',')), short.join(','))
  const many = Array.from({ length: 8 }, (_, i) => `k${i}=${'y'.repeat(90)}`)
  assert.equal(parseTracestate(many.join(',')), many.slice(0, 5).join(','))
})

test('whatever comes, what is passed on is right, and read again it is the same', () => {
  const piece = fc.constantFrom('00', 'ff', '-', '=', ',', '@', 'a', '0', ' ', '\t', TRACE, SPAN)
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(text, text, (traceparent, tracestate) => {
      const trace = readTrace(traceparent, tracestate)
      const [, parent, , state = ''] = traceHeaders(trace)
      assert.deepEqual(readTrace(parent, state), trace)
      assert.ok(state.length <= 512)
    }),
    { numRuns: 5_000 },
  )
})
