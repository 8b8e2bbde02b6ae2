import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, getBytes, sendRaw, startPair } from './harness.ts'

/** https://c2sp.org/tlog-tiles: what a tile is called, and what is only similar. */
const served = [
  '0/000',
  '0/001',
  '0/999',
  '0/x001/000',
  '0/x001/x234/067',
  '0/x999/x999/x999/x999/999',
  '0/x001/x000/000',
  '5/x123/x456/078.p/2',
  '9/000',
  '10/000',
  '59/000',
  '60/000',
  '63/000',
  '0/000.p/1',
  '0/000.p/10',
  '0/000.p/99',
  '0/000.p/100',
  '0/000.p/249',
  '0/000.p/255',
  'entries/000',
  'entries/x001/x234/067.p/8',
]

const notAllowed = [
  // Levels.
  '64/000',
  '70/000',
  '99/000',
  '100/000',
  '-1/000',
  '+1/000',
  '00/000',
  '01/000',
  '1.0/000',
  '1e1/000',
  '0x1/000',
  '%30/000',
  'data/000',
  'Entries/000',
  'entriesx/000',
  'entries',
  '0',
  // Indices.
  '0/0',
  '0/00',
  '0/0000',
  '0/1000',
  '0/x000',
  '0/x001',
  '0/x000/001',
  '0/x000/x001/067',
  '0/001/067',
  '0/x01/067',
  '0/x0001/067',
  '0/X001/067',
  '0/x001/x067',
  '0/x001/067/',
  '5/123/456/078',
  '0/x-01/067',
  '0/x001/x001/x001/x001/x001/001',
  `0/${'x001/'.repeat(700)}001`,
  '0/00a',
  '0/0%30%30',
  '0/%78001/067',
  '0/000,001',
  '0/000@',
  'entries/0',
  'entries/0/000',
  // Widths.
  '0/000.p',
  '0/000.p/0',
  '0/000.p/00',
  '0/000.p/01',
  '0/000.p/256',
  '0/000.p/260',
  '0/000.p/300',
  '0/000.p/999',
  '0/000.p/1000',
  '0/000.p/-1',
  '0/000.p/x01',
  '0/000.p/1/2',
  '0/000.P/1',
  '0/000p/1',
  '0/000/p/1',
  '0/000/.p/1',
  '0/000.p/1.p/1',
  '0/x001.p/067',
  '0/x001.p/1/067',
  '0/000.p%20/1',
  'entries/000.p/256',
]

const notEvenAPath = [
  '../0/000',
  '0/../000',
  '0/./000',
  '0/.',
  '0/..',
  '0/000..p/1',
  '0/000%2ep/1',
  '0/000.p%2f1',
  '0%2f000',
  '0//000',
  '0/000.p//1',
  '0/000.p/',
  '0/000/',
  '0/000;x',
  '0/000%00',
  '0/000%0a',
  '0/000.p\\1',
  '0/000.p/1%',
  '0/%c0%b0%30%30',
]

describe('the path of a tile', () => {
  for (const path of served) {
    test(`${path} reaches the service byte for byte`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const answer = await sendRaw(gateway.port, getBytes(gateway.port, `/mcp-audit/tile/${path}`))
      assert.equal(answer.status, 200)
      assert.deepEqual(
        recorder.received.map((call) => call.target),
        [`/tile/${path}`],
      )
    })
  }

  test('in any other form is refused and reaches no service', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const path of notAllowed) {
      const answer = await sendRaw(gateway.port, getBytes(gateway.port, `/mcp-audit/tile/${path}`))
      if (path.endsWith('/')) assertRefused(answer, 400, 'invalid_target')
      else assertRefused(answer, 403, 'path_not_allowed')
    }
    for (const path of notEvenAPath) {
      const answer = await sendRaw(gateway.port, getBytes(gateway.port, `/mcp-audit/tile/${path}`))
      assertRefused(answer, 400, 'invalid_target')
    }
    assert.deepEqual(recorder.received, [])
  })
})

describe('what is not JSON', () => {
  const bytes = Buffer.from(Array.from({ length: 8_192 }, (_, i) => i % 256))
  const cases: [name: string, path: string, type: string, body: Buffer][] = [
    ['a tile', '/tile/0/000', 'application/octet-stream', bytes],
    [
      'a large bundle of entries',
      '/tile/entries/000',
      'application/octet-stream',
      Buffer.concat([bytes, bytes, bytes]),
    ],
    [
      'a checkpoint',
      '/checkpoint',
      'text/plain; charset=utf-8',
      Buffer.from('a\n5\nb\n\n— a AAAA\n'),
    ],
  ]
  for (const [name, path, type, body] of cases) {
    test(`${name} passes byte for byte, and says how long it may be kept`, async (t) => {
      const { gateway } = await startPair(t, (_request, response) => {
        const keep = 'public, max-age=31536000, immutable'
        response.writeHead(200, {
          'content-type': type,
          'cache-control': keep,
          vary: 'Accept, Accept-Encoding',
          'content-length': body.length,
        })
        response.end(body)
      })
      const answer = await fetch(`${gateway.url}/mcp-audit${path}`)
      assert.equal(answer.headers.get('content-type'), type)
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
      assert.equal(answer.headers.get('vary'), 'Accept, Accept-Encoding')
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body)
    })
  }
})
