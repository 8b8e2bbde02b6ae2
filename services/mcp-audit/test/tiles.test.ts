import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { Client } from 'pg'
import {
  inclusionRanges,
  leafHash,
  nodeHash,
  type Range,
  verifiesInclusion,
} from '../src/tree/merkle.ts'
import { parseTilePath } from '../src/tree/tiles.ts'
import { startService } from './service.ts'

const SIZE = 70_000
let service: Awaited<ReturnType<typeof startService>>
let hashes: Buffer[]
before(async () => {
  service = await startService()
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  await fillLog(owner, SIZE)
  const { rows } = await owner.query('SELECT entry_hash FROM audit_log ORDER BY id')
  hashes = rows.map((row) => row.entry_hash)
  await owner.end()
  await service.app.inject({ url: '/checkpoint' })
})
after(() => service.stop())

const get = (url: string) => service.app.inject({ url })

/** A tile as a client of C2SP tlog-tiles fetches it, partial at the right edge. */
async function tile(level: number, index: number): Promise<Buffer[]> {
  const count = Math.floor(SIZE / 256 ** level) - index * 256
  const partial = count < 256 ? `.p/${count}` : ''
  const name = String(index).padStart(3, '0')
  const answer = await get(`/tile/${level}/${name}${partial}`)
  assert.equal(answer.statusCode, 200, `${level}/${index}${partial}`)
  const bytes = answer.rawPayload
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32))
}

const tiles = new Map<string, Promise<Buffer[]>>()
/** The hash of a range out of tiles alone. */
async function hashFromTiles([begin, end]: Range): Promise<Buffer> {
  const width = end - begin
  const power = 2 ** Math.floor(Math.log2(width))
  if (power !== width) {
    const left = await hashFromTiles([begin, begin + power])
    return nodeHash(left, await hashFromTiles([begin + power, end]))
  }
  const level = Math.floor(Math.log2(width) / 8)
  const unit = 256 ** level
  const first = begin / unit
  const index = Math.floor(first / 256)
  const key = `${level}/${index}`
  if (!tiles.has(key)) tiles.set(key, tile(level, index))
  const row = (await tiles.get(key)) as Buffer[]
  let nodes = row.slice(first % 256, (first % 256) + width / unit)
  while (nodes.length > 1) {
    nodes = Array.from({ length: nodes.length / 2 }, (_, i) =>
      nodeHash(nodes[2 * i] as Buffer, nodes[2 * i + 1] as Buffer),
    )
  }
  return nodes[0] as Buffer
}

test('proofs read through tiles alone are those that the service gives, and verify', async () => {
  const root = await hashFromTiles([0, SIZE])
  for (const id of [1, 2, 256, 257, 4_711, 65_536, 65_537, 69_889, SIZE]) {
    const path = await Promise.all(inclusionRanges(id - 1, SIZE).map(hashFromTiles))
    const proof = (await get(`/proof/inclusion?id=${id}`)).json()
    assert.deepEqual(
      proof.hashes,
      path.map((hash) => hash.toString('base64')),
    )
    assert.ok(verifiesInclusion(leafHash(hashes[id - 1] as Buffer), id - 1, SIZE, path, root))
  }
})

test('an entry bundle holds the entry hashes, each after its length', async () => {
  const full = (await get('/tile/entries/001')).rawPayload
  assert.equal(full.length, 256 * 34)
  assert.deepEqual(full.subarray(0, 34), Buffer.concat([Buffer.of(0, 32), hashes[256] as Buffer]))
  const partial = (await get('/tile/entries/273.p/112')).rawPayload
  assert.deepEqual(partial.subarray(-32), hashes[SIZE - 1])
})

test('a full tile may be kept for ever, a partial one not', async () => {
  assert.match(String((await get('/tile/0/000')).headers['cache-control']), /immutable/)
  assert.equal((await get('/tile/0/000.p/7')).headers['cache-control'], 'no-cache')
})

test('tiles that are not there yet are 404', async () => {
  for (const path of ['0/273', '0/273.p/113', '0/274', '2/000', '2/000.p/2', '9/000.p/1']) {
    assert.equal((await get(`/tile/${path}`)).statusCode, 404, path)
  }
})

test('a name that is not of the one form names no tile', () => {
  for (const path of [
    ...[
      '0/0',
      '0/00',
      '00/000',
      '64/000',
      '-1/000',
      '0/x000/001',
      '0/001/001',
      '0/x001/x001',
      '0/000.p/0',
    ],
    ...[
      '0/000.p/01',
      '0/000.p/256',
      '0/000.p/',
      '0/000.p/1/',
      'entries',
      'x/000',
      '0/000?',
      '0/0000',
    ],
  ]) {
    assert.equal(parseTilePath(`/tile/${path}`), null, path)
  }
  const large = parseTilePath('/tile/5/x123/x456/078.p/2')
  assert.deepEqual(large, { level: 5, index: 123_456_078, width: 2, isFull: false })
})
