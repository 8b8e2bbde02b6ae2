import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createClient } from '../src/client.ts'
import { exportOf } from './entries.ts'
import { problem, serve } from './server.ts'

const LINES = exportOf([{}, {}, {}])

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const array: T[] = []
  for await (const item of items) array.push(item)
  return array
}

test('the entries of an export come in order, without the trailer', async (t) => {
  const { url, received } = await serve(t, (response) => response.end(`${LINES.join('\n')}\n`))
  const entries = await all(createClient({ baseUrl: url }).audit.export({ from_id: 1, to_id: 3 }))
  assert.deepEqual(
    entries,
    LINES.slice(0, 3).map((line) => JSON.parse(line)),
  )
  assert.equal(received[0]?.url, '/mcp-audit/export?from_id=1&to_id=3&fmt=ndjson')
})

for (const [what, lines] of [
  ['has no trailer', LINES.slice(0, 3)],
  ['has a trailer that counts more', [LINES[0], LINES[3]]],
  ['is empty', []],
] as [string, string[]][]) {
  test(`an export that ${what} fails as export_incomplete after its entries`, async (t) => {
    const { url } = await serve(t, (response) => response.end(lines.join('\n')))
    await assert.rejects(all(createClient({ baseUrl: url }).audit.export()), {
      code: 'export_incomplete',
    })
  })
}

test('an export whose connection breaks fails as export_incomplete', async (t) => {
  const { url } = await serve(t, (response) => {
    response.write(`${LINES[0]}\n`, () => response.socket?.destroy())
  })
  await assert.rejects(all(createClient({ baseUrl: url }).audit.export()), {
    code: 'export_incomplete',
  })
})

test('an export that is refused at first is asked for again', async (t) => {
  const { url, received } = await serve(t, (response, _request, number) => {
    if (number === 0) problem(response, 503, 'overloaded')
    else response.end(LINES.join('\n'))
  })
  assert.equal((await all(createClient({ baseUrl: url }).audit.export())).length, 3)
  assert.equal(received.length, 2)
})

test('a line that is no entry is invalid_answer', async (t) => {
  const { url } = await serve(t, (response) => response.end(`${LINES[0]}\nnull\n`))
  await assert.rejects(all(createClient({ baseUrl: url }).audit.export()), {
    code: 'invalid_answer',
  })
})

test('an export on which nothing moves ends by the time-out of the client', async (t) => {
  const { url } = await serve(t, (response) => response.write(`${LINES[0]}\n`))
  const client = createClient({ baseUrl: url, timeoutMs: 100 })
  await assert.rejects(all(client.audit.export()), { code: 'deadline' })
})

/** The bytes of an export without end, each chunk made when it is asked for. */
function endlessExport(timeoutMs: number, onAsked: () => void = () => {}) {
  const client = createClient({
    baseUrl: 'http://gateway.test',
    timeoutMs,
    fetch: async (_url, init) =>
      new Response(
        new ReadableStream<Uint8Array>(
          {
            // As fetch does it: the signal of the call ends its body too.
            start: (controller) =>
              init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason)),
            pull: (controller) => {
              onAsked()
              controller.enqueue(new Uint8Array(1_024))
            },
          },
          { highWaterMark: 0 },
        ),
      ),
  })
  return client.audit.exportBytes('json')
}

test('the time that the caller takes for a chunk does not count', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const bytes = endlessExport(100)
  await bytes.next()
  t.mock.timers.tick(10_000)
  assert.equal((await bytes.next()).value?.length, 1_024)
  await bytes.return(undefined)
})

test('leaving the loop closes the connection', async (t) => {
  let closed: Promise<unknown> | undefined
  const { url } = await serve(t, (response) => {
    closed = once(response, 'close')
    response.write(`${LINES[0]}\n`)
  })
  for await (const _entry of createClient({ baseUrl: url }).audit.export()) break
  await closed
})

test('a signal ends an export as aborted', async (t) => {
  const abort = new AbortController()
  const { url } = await serve(t, (response) => response.write(`${LINES[0]}\n`))
  const entries = createClient({ baseUrl: url }).audit.export({}, { signal: abort.signal })
  await entries.next()
  abort.abort()
  await assert.rejects(entries.next(), { code: 'aborted' })
})

test('a chunk is fetched when it is asked for, never ahead', async () => {
  let asked = 0
  const bytes = endlessExport(30_000, () => asked++)
  for (const count of [1, 2, 3]) {
    await bytes.next()
    // Whatever would read on by itself has done so when the event loop has come round.
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(asked, count)
  }
  await bytes.return(undefined)
})
