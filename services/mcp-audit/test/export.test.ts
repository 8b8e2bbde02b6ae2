import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  service = await startService()
})
after(() => service.stop())

const get = (query: string) => service.app.inject({ url: `/export?${query}` })

test('the export of an empty log says that it is complete and empty', async () => {
  assert.deepEqual(JSON.parse((await get('fmt=ndjson')).body), {
    trailer: true,
    count: 0,
    first_id: null,
    last_id: null,
    last_entry_hash: '00'.repeat(32),
    checkpoint: null,
    verifier_key: null,
  })
  assert.deepEqual((await get('')).json(), [])
})

test('NDJSON holds every entry as it was answered, in order, then the trailer', async () => {
  const answers: string[] = []
  for (let i = 0; i < 2_500; i += 50) {
    const batch = Array.from({ length: 50 }, (_, k) =>
      service.log({ ...EVENT, details: { n: i + k } }),
    )
    answers.push(...(await Promise.all(batch)).map((answer) => answer.body))
  }
  const answer = await get('fmt=ndjson')
  assert.equal(answer.headers['content-type'], 'application/x-ndjson')
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="audit-log.ndjson"')
  const lines = answer.body.trimEnd().split('\n')
  const trailer = JSON.parse(lines.pop() as string)
  const byId = (a: string, b: string) => JSON.parse(a).id - JSON.parse(b).id
  assert.deepEqual(lines, answers.sort(byId))
  assert.deepEqual([trailer.count, trailer.first_id, trailer.last_id], [2_500, 1, 2_500])
  assert.equal(trailer.last_entry_hash, JSON.parse(lines.at(-1) as string).entry_hash)
})

test('JSON is the default and holds the same entries as one array', async () => {
  const lines = (await get('fmt=ndjson')).body.trimEnd().split('\n').slice(0, -1)
  const answer = await get('')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assert.deepEqual(
    answer.json(),
    lines.map((line) => JSON.parse(line)),
  )
})

test('a range holds exactly its entries', async () => {
  const ids = (await get('from_id=1000&to_id=2001')).json().map((entry: { id: number }) => entry.id)
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [1_002, 1_000, 2_001])
  assert.deepEqual((await get('from_id=5000')).json(), [])
})

test('CSV quotes what needs it and starts no formula', async () => {
  const subjects = ['=1+1', '+1', '-1', '@x', '\tx', 'a,b', 'say "hi"', 'two\r\nlines', 'plain']
  const first = (await service.log({ ...EVENT, subject: 'first' })).json().id
  for (const subject of subjects) await service.log({ ...EVENT, subject })
  const { body } = await get(`fmt=csv&from_id=${first + 1}`)
  const rows = parseCsv(body)
  assert.deepEqual(rows.shift()?.slice(0, 4), ['id', 'created_at', 'event_type', 'subject'])
  assert.deepEqual(
    rows.map((row) => row[3]),
    subjects.map((subject) => (/^[=+\-@\t]/.test(subject) ? `'${subject}` : subject)),
  )
})

test('an export that meets a missing entry breaks off visibly', async () => {
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  await owner.query("SET session_replication_role = 'replica'")
  await owner.query('DELETE FROM audit_log WHERE id = 1500')
  await owner.end()
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.app.server.address() as { port: number }
  const url = { port, path: '/export?fmt=ndjson', headers: { host: 'mcp-audit:80' } }
  const [answer] = (await once(request(url).end(), 'response')) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  await assert.rejects(readText(answer), { code: 'ECONNRESET' })
})

for (const query of [
  'fmt=xml',
  'fmt=json&fmt=csv',
  'from_id=0',
  'to_id=x',
  'from_id=3&to_id=2',
  'limit=5',
]) {
  test(`GET /export?${query} is 400`, async () => {
    assert.equal((await get(query)).statusCode, 400)
  })
}

/** RFC 4180, as a spreadsheet reads it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g,
  )) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.filter((row) => row.length > 1)
}
