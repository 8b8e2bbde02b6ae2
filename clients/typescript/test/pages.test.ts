import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '../src/client.ts'
import { json, serve } from './server.ts'

test('a link to another host or path is followed on the own one', async (t) => {
  const { url, received } = await serve(t, (response, _request, number) => {
    const link = number === 0 ? { link: '<http://evil.test/x?before=7&limit=1>; rel="next"' } : {}
    json(response, [{ id: 9 - number }], link)
  })
  const ids: number[] = []
  for await (const { id } of createClient({ baseUrl: url }).audit.events({ limit: 1 })) ids.push(id)
  assert.deepEqual(ids, [9, 8])
  assert.equal(received[1]?.url, '/mcp-audit/events?before=7&limit=1')
})

for (const [what, links, items, requests] of [
  ['a page that links to itself', [7], [{}], 2],
  ['pages that link to each other', [7, 8], [{}], 3],
  ['empty pages without end', [9, 8, 7, 6], [], 1],
] as const) {
  test(`${what} end the loop with an error`, async (t) => {
    const { url, received } = await serve(t, (response, _request, number) =>
      json(response, items, {
        link: `</mcp-audit/events?before=${links[number % links.length]}>; rel="next"`,
      }),
    )
    const all = async () => {
      for await (const _entry of createClient({ baseUrl: url }).audit.events({}));
    }
    await assert.rejects(all(), { code: 'invalid_answer' })
    assert.equal(received.length, requests)
  })
}
