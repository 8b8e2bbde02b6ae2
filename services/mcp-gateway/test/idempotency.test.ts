import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  assertRefused,
  postBytes,
  requestBytes,
  sendRaw,
  startGateway,
  startPair,
  startRecorder,
} from './harness.ts'

const JSON_TYPE = 'Content-Type: application/json'
const REGISTER = '/api/v1/models/register'
const KEYED = ['/mcp-audit/log', '/mcp-audit/log/batch', '/mcp-lineage/register', REGISTER]

describe('an Idempotency-Key', () => {
  test('of 1 to 200 visible ASCII characters reaches the service as it is', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const target of KEYED) {
      for (const key of ['~', '"a,b;c"', 'k'.repeat(200)]) {
        const headers = [JSON_TYPE, `idempotency-key:  ${key} `]
        await sendRaw(gateway.port, postBytes(gateway.port, target, '{}', headers))
        assert.equal(recorder.received.pop()?.headers['idempotency-key'], key)
      }
    }
  })

  test('of another form is 400 and reaches no service', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const target of KEYED) {
      for (const key of ['', 'a b', 'a, b', 'a\tb', '\xe9', 'k'.repeat(201)]) {
        const bytes = postBytes(gateway.port, target, '{}', [JSON_TYPE, `Idempotency-Key: ${key}`])
        assertRefused(await sendRaw(gateway.port, bytes), 400, 'invalid_idempotency_key')
      }
    }
    assert.deepEqual(recorder.received, [])
  })

  test('that comes twice is 400, and the connection is closed', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const keys of [
      ['Idempotency-Key: a', 'Idempotency-Key: a'],
      ['Idempotency-Key: a', 'idempotency-key: b'],
      ['Idempotency-Key:', 'Idempotency-Key: a'],
    ]) {
      const bytes = postBytes(gateway.port, '/mcp-audit/log', '{}', [JSON_TYPE, ...keys])
      const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
      assertRefused(answer, 400, 'duplicate_header')
    }
    assert.deepEqual(recorder.received, [])
  })

  test('is judged after the method and the query, before the type and the body', async (t) => {
    const { gateway } = await startPair(t)
    const send = (line: string, type: string) => {
      const headers = ['Idempotency-Key: a b', type, 'Content-Length: 99999999']
      return sendRaw(gateway.port, requestBytes(gateway.port, `${line} HTTP/1.1`, headers))
    }
    assertRefused(await send('PUT /mcp-audit/log', JSON_TYPE), 405, 'method_not_allowed')
    assertRefused(await send('POST /mcp-audit/log?a=1', JSON_TYPE), 400, 'invalid_request')
    const both = await send('POST /mcp-audit/log', 'Content-Type: text/plain')
    assertRefused(both, 400, 'invalid_idempotency_key')
  })

  test('is not sent on where the service does not take one', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const target of [
      '/mcp-policy/validate',
      '/mcp-audit/holds',
      '/mcp-audit/events/1/erase',
    ]) {
      const headers = [JSON_TYPE, 'Idempotency-Key: a']
      await sendRaw(gateway.port, postBytes(gateway.port, target, '{}', headers))
      assert.equal(recorder.received.pop()?.headers['idempotency-key'], undefined)
    }
  })
})

test('a caller is told that an answer was given before', async (t) => {
  const record = { model_id: 'm', audit: { id: 3, entry_hash: 'ab' } }
  const recorder = await startRecorder(t, (_request, response) => {
    const headers = { 'content-type': 'application/json', 'idempotency-replayed': 'true' }
    response.writeHead(200, headers).end(JSON.stringify(record))
  })
  const gateway = await startGateway(t, { 'mcp-lineage': recorder.url, 'mcp-audit': recorder.url })
  for (const target of KEYED) {
    const headers = [JSON_TYPE, 'Idempotency-Key: a', 'Connection: close']
    const bytes = postBytes(gateway.port, target, '{}', headers)
    const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['idempotency-replayed'], 'true')
  }
})
