import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiError } from '@ai-governance/common/errors'
import {
  contentTypeFault,
  parseBatchBody,
  parseNdjsonBody,
} from '@ai-governance/common/requests/json-body'
import fc from 'fast-check'

const ndjson = (text: string | Buffer) => parseNdjsonBody(Buffer.from(text as string))
const batch = (text: string) => parseBatchBody(Buffer.from(text))
/** An object of so many values. */
const event = (values: number) => `{"a":[${Array(values - 2).fill('0')}]}`
/** An object of so many bytes. */
const ofBytes = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
const times = (count: number, text: string) => Array<string>(count).fill(text)

function assertRefused(read: () => unknown, detail: RegExp): void {
  assert.throws(read, (error: ApiError) => {
    assert.equal(error.code, 'invalid_json')
    assert.match(error.detail, detail)
    return true
  })
}

describe('NDJSON', () => {
  const forms: [name: string, text: string][] = [
    ['LF', '{"a":1}\n{"a":2}\n'],
    ['LF but the last', '{"a":1}\n{"a":2}'],
    ['CR LF', '{"a":1}\r\n{"a":2}\r\n'],
    ['both', '{"a":1}\r\n{"a":2}\n'],
    ['blank lines', '\n\r\n \t\n{"a":1}\n\n\n  \r\n{"a":2}\n\n \n'],
    ['white space around the objects', ' {"a" : 1}\t\n\t{ "a":2 } '],
  ]
  for (const [name, text] of forms) {
    test(`is read where its lines end in, or have, ${name}`, () => {
      assert.deepEqual(ndjson(text), { events: [{ a: 1 }, { a: 2 }] })
    })
  }

  test('of blank lines alone holds no event', () => {
    assert.deepEqual(ndjson('\n \r\n'), { events: [] })
  })

  test('holds what JSON.stringify wrote, whatever is in the texts', () => {
    const texts = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\u0000'))
    fc.assert(
      fc.property(fc.array(texts), fc.constantFrom('\n', '\r\n', '\n\n'), (values, end) => {
        const events = values.map((a) => ({ a }))
        const text = events.map((value) => JSON.stringify(value) + end).join('')
        if (text !== '') assert.deepEqual(ndjson(text), { events })
      }),
    )
  })

  const refused: [name: string, text: string | Buffer, detail: RegExp][] = [
    ['an empty body', '', /^the body is empty$/],
    ['no JSON', '{"a":1}\n\n{a}\n', /^line 3: the text is not JSON$/],
    ['an object over two lines', '{"a":\n1}', /^line 1: the text is not JSON$/],
    ['two objects in a line', '{"a":1}{"a":2}', /^line 1: the text is not JSON$/],
    ['lines that end in CR alone', '{"a":1}\r{"a":2}', /^line 1: the text is not JSON$/],
    ['an array', '{}\n[{}]', /^line 2: an event must be a JSON object$/],
    ['a text', '"{}"', /^line 1: an event must be a JSON object$/],
    ['null', '{}\r\nnull', /^line 2: an event must be a JSON object$/],
    ['a name twice', '{}\n{"a":1,"a":2}', /^line 2: an object has the same name twice/],
    ['U+0000', '{"a":"\\u0000"}', /^line 1: U\+0000/],
    ['a lone surrogate', '{"a":"\\ud800"}', /^line 1: a lone surrogate/],
    ['__proto__', '{}\n{}\n{"__proto__":1}', /^line 3: the member name/],
    ['a byte order mark', '\ufeff{}', /^line 1: a byte order mark/],
    ['a byte order mark in the middle', '{}\n\ufeff{}', /^line 2: a byte order mark/],
    ['invalid UTF-8', Buffer.from('{}\n{"a":"\xff"}', 'latin1'), /^line 2: .*not valid UTF-8/],
    ['UTF-8 cut by a line end', Buffer.from('{"a":"\xe2\n"}', 'latin1'), /^line 1: .*UTF-8/],
    ['65 levels', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /^line 1: nested deeper than 64/],
    [
      'an event of 10,001 values',
      `${event(10_000)}\n${event(10_001)}`,
      /^line 2: more than 10000 values/,
    ],
    [
      'an event over 1 MiB',
      `${ofBytes(1_048_576)}\r\n${ofBytes(1_048_577)}`,
      /^line 2: an event of more than 1048576 bytes$/,
    ],
    ['10,001 events', times(10_001, '{}\n').join('\n'), /^line 20001: more than 10000 events$/],
    [
      '400,001 values',
      `${times(40, event(10_000)).join('\n')}\n{}`,
      /^line 41: more than 400000 values/,
    ],
  ]
  for (const [name, text, detail] of refused) {
    test(`with ${name} is refused, and the error says where`, () => {
      assertRefused(() => ndjson(text), detail)
    })
  }

  test('of 10,000 events and 400,000 values is taken, blank lines not counted', () => {
    const text = times(10_000, event(40)).join('\n\n')
    assert.equal(ndjson(text).events.length, 10_000)
  })
})

describe('a batch in JSON', () => {
  const list = (events: string[]) => `{"events":[${events.join(',')}]}`

  test('is taken up to its limits, of all and of each event', () => {
    assert.deepEqual(batch(list(['{"a":1}', ' {"b":[2]}'])), { events: [{ a: 1 }, { b: [2] }] })
    batch(list([event(10_000), ofBytes(1_048_576), event(10_000)]))
    const full = [...times(9_999, event(40)), event(38)]
    assert.equal((batch(list(full)) as { events: unknown[] }).events.length, 10_000)
  })

  const refused: [name: string, text: string, detail: RegExp][] = [
    ['an empty body', '', /^the body is empty$/],
    ['10,001 events', list(times(10_001, '{}')), /^more than 10000 events/],
    [
      'an event of 10,001 values',
      list(['{}', event(10_001), '{}']),
      /^an event with more than 10000 values \(at character 14\)$/,
    ],
    ['an event over 1 MiB', list([ofBytes(1_048_577)]), /^an event of more than 1048576 bytes/],
    [
      'an event over 1 MiB by its white space',
      list([`{${' '.repeat(1_048_575)}}`]),
      /^an event of more than 1048576 bytes/,
    ],
    [
      'an event over 1 MiB in UTF-8 alone',
      list([`{"a":"${'€'.repeat(349_523)}"}`]),
      /^an event of more than 1048576 bytes/,
    ],
    ['400,001 values', list([...times(9_999, event(40)), event(39)]), /^more than 400000 values/],
    ['a name twice', list(['{"a":1,"a":2}']), /same name twice/],
    [
      'a last event that is too large',
      list([...times(3, '{}'), event(10_001)]),
      /^an event with more/,
    ],
  ]
  for (const [name, text, detail] of refused) {
    test(`with ${name} is refused`, () => {
      assertRefused(() => batch(text), detail)
    })
  }

  test('has the limits of an event wherever the list stands in the outermost object', () => {
    assertRefused(() => batch(`{"a":{},"events":[${event(10_001)}]}`), /an event with more/)
    assertRefused(() => batch(`{"\\u0065vents":[${event(10_001)}]}`), /an event with more/)
  })

  test('means the same events as the same lines in NDJSON', () => {
    const events = [event(3), '{"b":{"c":"é"}}', '{}']
    assert.deepEqual(batch(list(events)), ndjson(events.join('\n')))
  })
})

test('NDJSON is a media type of its own, and taken only where that is said', () => {
  const type = 'application/x-ndjson'
  for (const fine of [type, `${type}; charset=utf-8`, 'Application/X-NDJSON;charset="UTF-8"']) {
    assert.equal(contentTypeFault(fine, undefined, true), null, fine)
    assert.equal(contentTypeFault(fine, undefined)?.code, 'unsupported_media_type', fine)
  }
  assert.equal(contentTypeFault('application/json', undefined, true), null)
  for (const wrong of [
    undefined,
    'application/ndjson',
    `${type}+json`,
    `${type}; charset=latin1`,
  ]) {
    assert.equal(contentTypeFault(wrong, undefined, true)?.status, 415, String(wrong))
  }
  assert.equal(contentTypeFault(type, 'gzip', true)?.status, 415)
})
