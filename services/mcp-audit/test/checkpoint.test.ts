import assert from 'node:assert/strict'
import { verify as verifySignature } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { Client } from 'pg'
import { leafHash, nodeHash, verifiesConsistency, verifiesInclusion } from '../src/tree/merkle.ts'
import { EVENT, ORIGIN, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
beforeEach(async () => {
  service = await startService()
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
})
afterEach(async () => {
  await owner.end()
  await service.stop()
})

const get = (url: string, headers: Record<string, string> = {}) =>
  service.app.inject({ url, headers })

/** Appends `count` entries. */
async function fill(count: number): Promise<void> {
  const { rows } = await owner.query('SELECT coalesce(max(id), 0)::int AS size FROM audit_log')
  await fillLog(owner, rows[0].size + count)
}

/** Reads a note by hand, with its signature checked by the public key. */
function open(note: string) {
  const [text = '', signatures = ''] = note.split('\n\n')
  const [origin, size, root] = text.split('\n')
  const [dash, name, line = ''] = signatures.trimEnd().split(' ')
  const bytes = Buffer.from(line, 'base64')
  const { publicKey } = service.signer
  assert.deepEqual([dash, name, origin], ['—', ORIGIN, ORIGIN])
  assert.ok(verifySignature(null, Buffer.from(`${text}\n`), publicKey, bytes.subarray(4)))
  return {
    size: Number(size),
    root: Buffer.from(root ?? '', 'base64'),
    keyId: bytes.subarray(0, 4),
  }
}

const entryHashes = async () =>
  (await owner.query('SELECT entry_hash FROM audit_log ORDER BY id')).rows.map(
    ({ entry_hash }) => entry_hash as Buffer,
  )

/** RFC 6962 §2.1 once more, over what the database holds. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1))
  return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)))
}

describe('a checkpoint', () => {
  test('is signed over the root of all entries, under the key that is given out', async () => {
    await service.log(EVENT)
    await fill(700)
    const answer = await get('/checkpoint')
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    const { size, root, keyId } = open(answer.body)
    assert.equal(size, 701)
    assert.deepEqual(root, rootOf((await entryHashes()).map(leafHash)))
    const key = (await get('/checkpoint/key')).body
    assert.ok(key.startsWith(`${ORIGIN}+${keyId.toString('hex')}+`))
  })

  test('of an empty log is over the root of nothing', async () => {
    assert.equal(open((await get('/checkpoint')).body).size, 0)
  })

  test('asked for by many at once is signed for each of them', async () => {
    await fill(10)
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/checkpoint')))
    assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
  })

  test('is on record outside the database before it is given away', async () => {
    await fill(3)
    const { size, root } = open((await get('/checkpoint')).body)
    const state = JSON.parse(readFileSync(service.signer.stateFile, 'utf8'))
    assert.deepEqual(state, { origin: ORIGIN, size, root: root.toString('base64') })
  })
})

describe('proofs', () => {
  test('of entries verify under the checkpoint that comes with them, at every older size too', async () => {
    await fill(1_000)
    const hashes = await entryHashes()
    for (const [id, size] of [[1], [256], [257], [1_000], [3, 3], [200, 300], [512, 513]]) {
      const query = size === undefined ? '' : `&size=${size}`
      const proof = (await get(`/proof/inclusion?id=${id}${query}`)).json()
      const { size: signed, root } = open(proof.checkpoint)
      assert.deepEqual(
        [proof.index, proof.size, signed],
        [(id as number) - 1, size ?? 1_000, proof.size],
      )
      const path = proof.hashes.map((text: string) => Buffer.from(text, 'base64'))
      const leaf = leafHash(hashes[proof.index] as Buffer)
      assert.ok(verifiesInclusion(leaf, proof.index, signed, path, root))
    }
  })

  test('are right for many at once, each of subtrees that the others drive out', async () => {
    const size = 80 * 256
    await fill(size)
    await get('/checkpoint')
    const ids = Array.from({ length: 160 }, (_, i) => 1 + ((i * 5_003) % (size - 1)))
    const answers = await Promise.all(
      ids.flatMap((id) => [
        get(`/proof/inclusion?id=${id}`),
        get(`/proof/consistency?from=${Math.min(id, size - id)}&to=${Math.max(id, size - id)}`),
      ]),
    )
    const wrong = answers.filter(({ statusCode }) => statusCode !== 200)
    assert.deepEqual(
      wrong.map(({ body }) => body),
      [],
    )
  })

  test('are JSON for who takes anything, or refuses text', async () => {
    await fill(3)
    for (const accept of ['application/json, text/plain, */*', 'text/plain;q=0', '*/*']) {
      const answer = await get('/proof/inclusion?id=2', { accept })
      assert.match(String(answer.headers['content-type']), /^application\/json/, accept)
    }
  })

  test('are C2SP tlog-proofs for who asks for text', async () => {
    await fill(3)
    const { body } = await get('/proof/inclusion?id=2', { accept: 'text/plain' })
    const [head, index, ...rest] = body.split('\n')
    assert.deepEqual([head, index], ['c2sp.org/tlog-proof@v1', 'index 1'])
    assert.equal(rest.indexOf(''), 2)
  })

  test('of consistency verify between all sizes that were signed', async () => {
    const roots = new Map<number, Buffer>()
    for (const more of [1, 2, 253, 1, 300, 5]) {
      await fill(more)
      const { size, root } = open((await get('/checkpoint')).body)
      roots.set(size, root)
    }
    for (const [from, older] of roots) {
      for (const [to, newer] of roots) {
        if (from > to) continue
        const proof = (await get(`/proof/consistency?from=${from}&to=${to}`)).json()
        const path = proof.hashes.map((text: string) => Buffer.from(text, 'base64'))
        assert.ok(verifiesConsistency(from, older, to, newer, path), `${from} to ${to}`)
      }
    }
  })

  test('for what is not there are refused', async () => {
    await fill(5)
    assert.equal((await get('/proof/inclusion?id=6')).statusCode, 404)
    assert.equal((await get('/proof/inclusion?id=4&size=3')).statusCode, 400)
    assert.equal((await get('/proof/inclusion?id=4&size=6')).statusCode, 400)
    assert.equal((await get('/proof/consistency?from=6')).statusCode, 400)
    assert.equal((await get('/proof/consistency?from=4&to=3')).statusCode, 400)
  })

  test('come with an append that asks for one', async () => {
    await fill(300)
    const headers = { 'content-type': 'application/json' }
    const payload = JSON.stringify(EVENT)
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        service.app.inject({ method: 'POST', url: '/log?proof=true', headers, payload }),
      ),
    )
    for (const answer of answers) {
      const { proof, id, entry_hash } = answer.json()
      const { size, root } = open(proof.checkpoint)
      assert.deepEqual([proof.index, proof.size], [id - 1, size])
      const path = proof.hashes.map((text: string) => Buffer.from(text, 'base64'))
      const leaf = leafHash(Buffer.from(entry_hash, 'hex'))
      assert.ok(verifiesInclusion(leaf, proof.index, size, path, root))
    }
  })

  test('are left out where the entry of a known key was altered since', async () => {
    const append = () =>
      service.app.inject({
        method: 'POST',
        url: '/log?proof=true',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
        payload: JSON.stringify(EVENT),
      })
    assert.notEqual((await append()).json().proof, null)
    await fill(2)
    await owner.query("SET session_replication_role = 'replica'")
    await owner.query("UPDATE audit_log SET entry_hash = sha256('x') WHERE id = 1")
    await owner.query("SET session_replication_role = 'origin'")
    const again = (await append()).json()
    assert.deepEqual([again.proof, again.proof_error.code], [null, 'signer_refused'])
  })

  test('are left out with the reason where the signer refuses after the append', async () => {
    rmSync(service.signer.stateFile)
    const headers = { 'content-type': 'application/json' }
    const payload = JSON.stringify(EVENT)
    const log = { method: 'POST', url: '/log?proof=true', headers, payload } as const
    const answer = await service.app.inject(log)
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.json().proof, null)
    assert.equal(answer.json().proof_error.code, 'signer_state_missing')
    assert.equal(answer.json().id, 1)
  })
})
