import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Client } from 'pg'
import { leafHash, verifiesInclusion } from '../src/tree/merkle.ts'
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
    checkpoint: (await service.app.inject({ url: '/checkpoint' })).body,
    verifier_key: (await service.app.inject({ url: '/checkpoint/key' })).body.trimEnd(),
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

test('a range carries the proof of its last entry, the whole log does not need one', async () => {
  const trailerOf = async (query: string) =>
    JSON.parse((await get(`fmt=ndjson&${query}`)).body.trimEnd().split('\n').at(-1) ?? '')
  const whole = await trailerOf('')
  assert.equal(whole.inclusion, undefined)
  for (const query of [
    'from_id=2',
    'to_id=900',
    'from_id=300&to_id=600',
    'from_id=600&to_id=600',
  ]) {
    const { inclusion, last_id, last_entry_hash, checkpoint } = await trailerOf(query)
    const [, size, root = ''] = checkpoint.split('\n')
    const leaf = leafHash(Buffer.from(last_entry_hash, 'hex'))
    const path = inclusion.map((text: string) => Buffer.from(text, 'base64'))
    const rootHash = Buffer.from(root, 'base64')
    assert.ok(verifiesInclusion(leaf, last_id - 1, Number(size), path, rootHash), query)
  }
  const none = await trailerOf('from_id=9000')
  assert.deepEqual([none.count, none.inclusion, none.checkpoint], [0, undefined, whole.checkpoint])
})

test('an entry stands in an export as in the answer to its append, whatever is in it, erased ones too', async () => {
  const odd = '"\\/\b\f\n\r\t\u0001\u001f\u007f\u2028\ufffeé😀'
  const answers = [
    await service.log({ event_type: odd, subject: odd, decision: false, details: { [odd]: odd } }),
    await service.log({ ...EVENT, details: { n: 1e300, z: -0, deep: [[{ '': null }]] } }),
  ].map(({ body }) => body)
  const first = JSON.parse(answers[0] ?? '').id
  const lines = (await get(`fmt=ndjson&from_id=${first}`)).body.split('\n')
  assert.deepEqual(lines.slice(0, 2), answers)
  const headers = { 'content-type': 'application/json' }
  const payload = JSON.stringify({ reason: 'r', legal_basis: 'l' })
  await service.app.inject({ method: 'POST', url: `/events/${first}/erase`, headers, payload })
  const erased = (await service.app.inject({ url: `/events/${first}` })).body
  assert.equal((await get(`fmt=ndjson&from_id=${first}`)).body.split('\n')[0], erased)
})

test('entries larger than a chunk are all there, in order', async () => {
  const note = 'x'.repeat(100_000)
  const ids: number[] = []
  for (let i = 0; i < 8; i++) {
    ids.push((await service.log({ ...EVENT, details: { note } })).json().id)
  }
  const exported = (await get(`from_id=${ids[0]}&to_id=${ids[7]}`)).json()
  assert.deepEqual(
    exported.map((entry: { id: number }) => entry.id),
    ids,
  )
})

test('what may be gzip is gzip, and the same text', async () => {
  const plain = await get('fmt=ndjson')
  for (const [accept, encoding] of [
    ['gzip', 'gzip'],
    ['br;q=1, gzip;q=0.5', 'gzip'],
    ['*', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
  ] as const) {
    const headers = { 'accept-encoding': accept }
    const answer = await service.app.inject({ url: '/export?fmt=ndjson', headers })
    assert.equal(answer.headers['content-encoding'], encoding, accept)
    const text = encoding ? gunzipSync(answer.rawPayload).toString() : answer.body
    assert.equal(text, plain.body, accept)
  }
})

test('an export of a log with a missing entry goes on, unsigned, so that the gap can be named', async () => {
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  await owner.query("SET session_replication_role = 'replica'")
  await owner.query('DELETE FROM audit_log WHERE id = 1500')
  await owner.query('DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)')
  await owner.end()
  const lines = (await get('fmt=ndjson')).body.trimEnd().split('\n')
  const trailer = JSON.parse(lines.at(-1) ?? '')
  assert.equal(trailer.count, lines.length - 1)
  assert.equal(trailer.checkpoint, null)
  assert.equal(JSON.parse(lines[1_499] ?? '').id, 1_501)
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
