import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  service = await startService()
  for (let i = 1; i <= 30; i++) {
    await service.log({
      event_type: i % 2 ? 'odd' : 'even',
      subject: `model@${i % 3}`,
      decision: i % 5 === 0,
      details: { i },
    })
  }
})
after(() => service.stop())

const get = async (query: string) => {
  const answer = await service.app.inject({ url: `/events${query}` })
  assert.equal(answer.statusCode, 200, answer.body)
  return { ids: (answer.json() as { id: number }[]).map((e) => e.id), link: answer.headers.link }
}

test('events come newest first, a hundred at most unless asked otherwise', async () => {
  const { ids, link } = await get('')
  assert.deepEqual(
    ids,
    Array.from({ length: 30 }, (_, i) => 30 - i),
  )
  assert.equal(link, undefined)
})

test('following the links reads everything once', async () => {
  const seen: number[] = []
  let url: string | undefined = '?limit=7&event_type=even'
  while (url) {
    const { ids, link } = await get(url)
    seen.push(...ids)
    url = link ? /^<\/events(\?[^>]+)>; rel="next"$/.exec(String(link))?.[1] : undefined
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 15 }, (_, i) => 30 - 2 * i),
  )
})

test('filters narrow down and combine', async () => {
  assert.deepEqual((await get('?subject=model@1&decision=true')).ids, [25, 10])
  assert.deepEqual((await get('?event_type=odd&after=24')).ids, [29, 27, 25])
  assert.deepEqual((await get('?before=4')).ids, [3, 2, 1])
  assert.deepEqual((await get('?actor=anonymous&limit=2')).ids, [30, 29])
  assert.deepEqual((await get('?actor=somebody')).ids, [])
  assert.deepEqual((await get('?limit=3&offset=2')).ids, [28, 27, 26])
})

test('times are inclusive and exact to the microsecond', async () => {
  const entry = (await service.app.inject({ url: '/events/17' })).json()
  const at = encodeURIComponent(entry.created_at)
  const within = (await get(`?from=${at}&to=${at}`)).ids
  assert.ok(within.includes(17))
  const { ids } = await get(`?from=${at}`)
  assert.equal(ids.at(-1), Math.min(...within))
})

test('a page ends at 4 MiB and says how to go on', async () => {
  for (let i = 0; i < 6; i++)
    await service.log({ ...EVENT, details: { text: 'x'.repeat(1_000_000) } })
  const { ids, link } = await get('?limit=1000')
  assert.deepEqual(ids, [36, 35, 34, 33, 32])
  assert.match(String(link), /before=32/)
})

test('an unknown entry is 404, and an id that is no number 400', async () => {
  assert.equal((await service.app.inject({ url: '/events/999' })).statusCode, 404)
  for (const id of ['0', '-1', '1.5', '1e2', 'abc', '01', '99999999999999999999', '%00']) {
    assert.equal((await service.app.inject({ url: `/events/${id}` })).statusCode, 400, id)
  }
})

for (const query of [
  'limit=0',
  'limit=1001',
  'limit=1e2',
  'limit=',
  'limit=5&limit=6',
  'offset=-1',
  'unknown=1',
  'decision=yes',
  'decision=1',
  'from=2026-02-30T00:00:00Z',
  'from=2026-01-01',
  'from=now',
  'subject=',
  'subject=%00',
  `subject=${'x'.repeat(501)}`,
  'before=18446744073709551616',
]) {
  test(`GET /events?${query.slice(0, 40)} is 400`, async () => {
    const answer = await service.app.inject({ url: `/events?${query}` })
    assert.equal(answer.statusCode, 400)
    assert.equal(answer.json().code, 'invalid_request')
  })
}

test('a link keeps the filters, also one that holds a question mark', async () => {
  for (let i = 0; i < 3; i++) await service.log({ ...EVENT, subject: 'what?x', event_type: 'q&a' })
  const { link } = await get('?subject=what?x&event_type=q%26a&limit=1')
  const next = new URLSearchParams(String(link).slice('</events?'.length).split('>')[0])
  assert.equal(next.get('subject'), 'what?x')
  assert.equal(next.get('event_type'), 'q&a')
})
