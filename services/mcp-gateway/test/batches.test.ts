import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, postBytes, requestBytes, sendRaw, startPair } from './harness.ts'

const BATCH = '/mcp-audit/log/batch'
const JSON_TYPE = 'Content-Type: application/json'
const NDJSON_TYPE = 'Content-Type: application/x-ndjson'
const MiB = 1_048_576

/** An object of so many values. */
const event = (values: number) => `{"a":[${Array(values - 2).fill('0')}]}`
const times = (count: number, text: string) => Array<string>(count).fill(text)
const list = (events: string[]) => `{"events":[${events.join(',')}]}`

describe('a batch', () => {
  const taken: [name: string, type: string, body: string][] = [
    ['JSON', JSON_TYPE, list(['{"a":1.0}', ' {"b":"\\u0061"}'])],
    ['NDJSON', NDJSON_TYPE, '{"a":1.0}\r\n\n{"b":"\\u0061"}'],
    ['NDJSON with a charset', `${NDJSON_TYPE} ; charset="UTF-8"`, '{}\n'],
    ['10,000 events and 400,000 values', NDJSON_TYPE, times(10_000, event(40)).join('\n')],
    ['16 MiB of NDJSON', NDJSON_TYPE, `${'{}\n'.padEnd(MiB, ' ').repeat(15)}${'{}'.padEnd(MiB)}`],
    ['16 MiB of JSON', JSON_TYPE, list(['{}']).padEnd(16 * MiB)],
  ]
  for (const [name, type, body] of taken) {
    test(`of ${name} arrives byte for byte, under its type`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, BATCH, body, [type]))
      assert.equal(answer.status, 200, answer.body)
      const [call] = recorder.received
      assert.ok(call?.body.equals(Buffer.from(body)))
      const plain = type.startsWith(NDJSON_TYPE) ? 'application/x-ndjson' : 'application/json'
      assert.equal(call?.headers['content-type'], plain)
    })
  }

  const refused: [name: string, type: string, body: string, status: number, detail: RegExp][] = [
    ['in CSV', 'Content-Type: text/csv', 'a,b', 415, /application\/x-ndjson/],
    ['of JSON that says it is NDJSON, over two lines', NDJSON_TYPE, '{"a":\n1}', 400, /^line 1: /],
    ['of NDJSON that says it is JSON', JSON_TYPE, '{}\n{}', 400, /not JSON/],
    ['with nothing in it', NDJSON_TYPE, '', 400, /empty/],
    ['with a name twice', NDJSON_TYPE, '{}\n{"a":1,"a":2}', 400, /^line 2: .*same name/],
    ['with a line that is no object', NDJSON_TYPE, '{}\n\n[]', 400, /^line 3: .*object/],
    ['of 10,001 lines', NDJSON_TYPE, '{}\n'.repeat(10_001), 400, /^line 10001: more than 10000/],
    ['of 10,001 events', JSON_TYPE, list(times(10_001, '{}')), 400, /more than 10000 events/],
    ['with a large line', NDJSON_TYPE, `{}\n{${' '.repeat(MiB)}}`, 400, /^line 2: .*1048576 bytes/],
    ['with a large event', JSON_TYPE, list(['{}', `{${' '.repeat(MiB)}}`]), 400, /1048576 bytes/],
    ['with an event of many values', JSON_TYPE, list([event(10_001)]), 400, /10000 values/],
    ['with a line of many values', NDJSON_TYPE, event(10_001), 400, /^line 1: .*10000 values/],
    [
      'of 400,001 values',
      NDJSON_TYPE,
      `${times(10, event(40_000 / 4)).join('\n')}\n`.repeat(4) + 1,
      400,
      /^line 41: .*400000 values/,
    ],
    ['of over 16 MiB', NDJSON_TYPE, `{}${'\n'.repeat(16 * MiB)}`, 413, /larger/],
  ]
  for (const [name, type, body, status, detail] of refused) {
    test(`${name} is ${status} and reaches no service`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, BATCH, body, [type]))
      const code = { 400: 'invalid_json', 413: 'body_too_large', 415: 'unsupported_media_type' }
      assert.match(assertRefused(answer, status, code[status as 400]).detail, detail)
      assert.deepEqual(recorder.received, [])
    })
  }

  test('is refused by its type before its size, and by its size before a byte of it', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const announce = (type: string) =>
      requestBytes(gateway.port, `POST ${BATCH} HTTP/1.1`, [
        type,
        `Content-Length: ${16 * MiB + 1}`,
      ])
    const unknown = await sendRaw(gateway.port, announce('Content-Type: text/plain'))
    assertRefused(unknown, 415, 'unsupported_media_type')
    assertRefused(await sendRaw(gateway.port, announce(NDJSON_TYPE)), 413, 'body_too_large')
    const encoded = postBytes(gateway.port, BATCH, '{}', [NDJSON_TYPE, 'Content-Encoding: gzip'])
    assertRefused(await sendRaw(gateway.port, encoded), 415, 'unsupported_media_type')
    assert.deepEqual(recorder.received, [])
  })
})

test('NDJSON is taken nowhere else', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const others = ['/mcp-audit/log', '/mcp-lineage/register', '/api/v1/models/register']
  for (const target of [...others, '/mcp-audit/holds', '/mcp-audit/retention']) {
    const answer = await sendRaw(gateway.port, postBytes(gateway.port, target, '{}', [NDJSON_TYPE]))
    assertRefused(answer, 415, 'unsupported_media_type')
  }
  assert.deepEqual(recorder.received, [])
})

test('what changes the log otherwise takes a small body', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const targets = ['/events/7/erase', '/holds', '/holds/7/release', '/retention', '/log?proof=true']
  for (const target of targets) {
    const fits = postBytes(gateway.port, `/mcp-audit${target}`, '{}')
    assert.equal((await sendRaw(gateway.port, fits)).status, 200)
    const large = [JSON_TYPE, `Content-Length: ${MiB + 1}`]
    const bytes = requestBytes(gateway.port, `POST /mcp-audit${target} HTTP/1.1`, large)
    assertRefused(await sendRaw(gateway.port, bytes), 413, 'body_too_large')
  }
  assert.deepEqual(
    recorder.received.map((call) => call.target),
    targets,
  )
  const wrong = postBytes(gateway.port, '/mcp-audit/log?proof=1', '{}')
  assertRefused(await sendRaw(gateway.port, wrong), 400, 'invalid_request')
})
