import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, postBytes, requestBytes, sendRaw, startPair } from './harness.ts'

/** What a web page can send to another origin without being asked, or would have to ask for. */
describe('without credentials a write needs what no web page of another site can send', () => {
  const json = 'Content-Type: application/json'
  const rows: [name: string, headers: string[], body: string, status: number, code: string][] = [
    ['no type', [], '{"a":1}', 415, 'unsupported_media_type'],
    ['text', ['Content-Type: text/plain'], '{"a":1}', 415, 'unsupported_media_type'],
    [
      'a form',
      ['Content-Type: application/x-www-form-urlencoded'],
      'a=1',
      415,
      'unsupported_media_type',
    ],
    [
      'parts',
      ['Content-Type: multipart/form-data; boundary=x'],
      '--x--',
      415,
      'unsupported_media_type',
    ],
    ['no body', [json], '', 400, 'invalid_json'],
    ['white space', [json], ' \n', 400, 'invalid_json'],
    [
      'a page of elsewhere',
      [json, 'Origin: https://evil.example'],
      '{"a":1}',
      403,
      'cross_site_request',
    ],
    ['a page of no origin', [json, 'Origin: null'], '{"a":1}', 403, 'cross_site_request'],
    [
      'a page of another port',
      [json, 'Origin: http://127.0.0.1:1'],
      '{"a":1}',
      403,
      'cross_site_request',
    ],
    [
      'a cross-site fetch',
      [json, 'Sec-Fetch-Site: cross-site'],
      '{"a":1}',
      403,
      'cross_site_request',
    ],
  ]
  for (const [name, headers, body, status, code] of rows) {
    test(name, async (t) => {
      const { gateway, recorder } = await startPair(t)
      for (const target of ['/mcp-audit/log', '/mcp-lineage/register', '/api/v1/models/register']) {
        assertRefused(
          await sendRaw(gateway.port, postBytes(gateway.port, target, body, headers)),
          status,
          code,
        )
      }
      assert.deepEqual(recorder.received, [])
    })
  }

  test('and neither does one without any announced body', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const bytes = requestBytes(gateway.port, 'POST /mcp-audit/log HTTP/1.1', [json])
    assertRefused(await sendRaw(gateway.port, bytes), 400, 'invalid_json')
    assert.deepEqual(recorder.received, [])
  })
})
