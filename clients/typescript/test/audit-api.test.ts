import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InclusionProof } from '../src/audit-types.ts'
import { createClient } from '../src/client.ts'
import { verifyConsistencyProof, verifyInclusionProof } from '../src/proofs.ts'
import { NoteError } from '../src/signed-note.ts'
import { exportOf } from './entries.ts'
import { failure } from './failure.ts'
import { json, made, problem, serve } from './server.ts'
import { entryHashesOf, Signer } from './signed-log.ts'
import { consistencyProof, inclusionProof, leavesOf, rootOf } from './tree.ts'

const signer = new Signer('log.example')
const KEY = signer.verifierKey()
const LINES = exportOf([{}, {}, { details: { a: 'é', b: 1.5 } }, {}, {}])
const HASHES = entryHashesOf(LINES)
const LEAVES = leavesOf(HASHES)
const ENTRY = JSON.parse(LINES[2] as string)
const { event_type, subject, decision, details } = ENTRY
const EVENT = { event_type, subject, decision, details }
const base64 = (hashes: readonly string[]) =>
  hashes.map((hex) => Buffer.from(hex, 'hex').toString('base64'))
const PROOF = {
  index: 2,
  size: 5,
  hashes: base64(inclusionProof(2, LEAVES)),
  checkpoint: signer.note(HASHES),
}
const CONTINUES = {
  from: 3,
  to: 5,
  hashes: base64(consistencyProof(3, LEAVES)),
  checkpoint: signer.note(HASHES),
}

const codeOf = async (call: Promise<unknown>) => (await failure(call)).code

test('a proof holds under the key of the log alone, and for its own entry alone', () => {
  const hash = HASHES[2] as string
  assert.equal(verifyInclusionProof(PROOF, hash, KEY), true)
  const other = new Signer('other.example')
  for (const [what, proof, entryHash, key] of [
    ['another entry', PROOF, HASHES[3] as string, KEY],
    ['no hash', PROOF, 'x', KEY],
    ['another log', PROOF, hash, other.verifierKey()],
    ['a note of another log', { ...PROOF, checkpoint: other.note(HASHES) }, hash, KEY],
    ['no note', { ...PROOF, checkpoint: 'x' }, hash, KEY],
    ['a size that is not signed', { ...PROOF, size: 6 }, hash, KEY],
    ['another place', { ...PROOF, index: 1 }, hash, KEY],
    ['a hash less', { ...PROOF, hashes: PROOF.hashes.slice(1) }, hash, KEY],
    ['hashes that are none', { ...PROOF, hashes: ['x'] }, hash, KEY],
    ['no list of hashes', { ...PROOF, hashes: null as never }, hash, KEY],
  ] as [string, InclusionProof, string, string][]) {
    assert.equal(verifyInclusionProof(proof, entryHash, key), false, what)
  }
  assert.throws(() => verifyInclusionProof(PROOF, hash, 'x'), NoteError)
})

test('a log is shown to continue what it was, or not', () => {
  const root = rootOf(LEAVES.slice(0, 3))
  assert.equal(verifyConsistencyProof(CONTINUES, root, KEY), true)
  assert.equal(verifyConsistencyProof(CONTINUES, rootOf(LEAVES.slice(0, 2)), KEY), false)
  assert.equal(verifyConsistencyProof({ ...CONTINUES, to: 4 }, root, KEY), false)
  assert.equal(verifyConsistencyProof({ ...CONTINUES, hashes: [] }, root, KEY), false)
})

test('an entry that is asked for with its proof is verified under the key of the client', async (t) => {
  let answer: object = { ...ENTRY, proof: PROOF }
  const { url, received } = await serve(t, (response) => json(response, answer))
  const client = createClient({ baseUrl: url, auditKey: KEY })
  const entry = await client.audit.log(EVENT, { proof: true })
  assert.deepEqual(entry.proof, PROOF)
  assert.equal(received[0]?.url, '/mcp-audit/log?proof=true')
  for (const members of [
    { proof: { ...PROOF, index: 1 } },
    { proof: { ...PROOF, checkpoint: new Signer('other.example').note(HASHES) } },
    { proof: undefined },
    { proof: 'x' },
    // What is hashed and was not sent.
    { actor: 'key:other' },
    { request_id: 'other' },
    { prev_hash: '00'.repeat(32) },
    { details_salt: '00'.repeat(16) },
    { details_salt: null },
    { created_at: '2026-01-01T00:00:00.000000Z' },
    { created_at: 'x' },
  ]) {
    answer = { ...ENTRY, proof: PROOF, ...members }
    const call = client.audit.log(EVENT, { proof: true })
    assert.equal(await codeOf(call), 'invalid_answer', JSON.stringify(members))
  }
  // Without a key it is carried, and judged by whoever has one.
  const carried = await createClient({ baseUrl: url }).audit.log(EVENT, { proof: true })
  assert.deepEqual(carried.proof, PROOF)
})

test('an entry whose signer refused stands, without a proof and with the reason', async (t) => {
  const proof_error = { code: 'signer_refused', detail: 'd' }
  const { url } = await serve(t, (response) =>
    json(response, { ...ENTRY, proof: null, proof_error }),
  )
  const client = createClient({ baseUrl: url, auditKey: KEY })
  const entry = await client.audit.log(EVENT, { proof: true })
  assert.deepEqual([entry.proof, entry.proof_error], [null, proof_error])
})

test('a batch is one call, and its answer holds the entries of its events in order', async (t) => {
  const events = [EVENT, { ...EVENT, subject: 'other' }]
  let change = (entries: unknown[]): unknown => entries
  const { url, received } = await serve(t, (response, { body }) => {
    const sent = JSON.parse(body).events as object[]
    json(response, change(sent.map((event, i) => ({ ...event, id: i + 1, entry_hash: HASHES[i] }))))
  })
  const client = createClient({ baseUrl: url })
  const entries = await client.audit.logBatch(events)
  assert.deepEqual(
    entries.map(({ subject }) => subject),
    [EVENT.subject, 'other'],
  )
  assert.ok(received[0]?.headers['idempotency-key'])
  for (const spoil of [
    (all: unknown[]) => all.slice(1),
    (all: unknown[]) => all.toReversed(),
    (all: unknown[]) => [...all, all[0]],
    (all: unknown[]) => ({ ...all }),
    () => [null, null],
  ]) {
    change = spoil
    assert.equal(await codeOf(client.audit.logBatch(events)), 'invalid_answer')
  }
})

test('checkpoints and proofs that another key signed are no answer where a key is given', async (t) => {
  let by = signer
  const { url, received } = await serve(t, (response, { url: path }) => {
    const checkpoint = by.note(HASHES)
    if (path === '/mcp-audit/checkpoint/key') response.end(`${KEY}\n`)
    else if (path.startsWith('/mcp-audit/checkpoint')) response.end(checkpoint)
    else if (path.includes('inclusion')) json(response, { ...PROOF, checkpoint })
    else json(response, { ...CONTINUES, checkpoint })
  })
  const { audit } = createClient({ baseUrl: url, auditKey: KEY })
  const unpinned = createClient({ baseUrl: url }).audit
  assert.equal(await audit.checkpointKey(), KEY)
  assert.equal(await audit.checkpoint(), signer.note(HASHES))
  assert.deepEqual(await audit.inclusionProof(3), PROOF)
  assert.deepEqual(await audit.consistencyProof(3, 5), CONTINUES)
  await audit.inclusionProof(3, 5)
  await audit.consistencyProof(0)
  await audit.checkpoint({ witnessed: true })
  assert.deepEqual(received.map(({ url: path }) => path).slice(2), [
    '/mcp-audit/proof/inclusion?id=3',
    '/mcp-audit/proof/consistency?from=3&to=5',
    '/mcp-audit/proof/inclusion?id=3&size=5',
    '/mcp-audit/proof/consistency?from=0',
    '/mcp-audit/checkpoint?witnessed=true',
  ])
  by = new Signer('other.example')
  for (const call of [
    () => audit.checkpoint(),
    () => audit.inclusionProof(3),
    () => audit.consistencyProof(3),
  ]) {
    assert.equal(await codeOf(call()), 'invalid_answer')
  }
  assert.equal(await unpinned.checkpoint(), by.note(HASHES))
  assert.throws(() => createClient({ baseUrl: url, auditKey: 'x' }), { code: 'invalid_argument' })
})

test('a tile is the bytes that came, under the path of its number', async (t) => {
  const bytes = Buffer.from(HASHES.join(''), 'hex')
  const { url, received } = await serve(t, (response) => response.end(bytes))
  const { audit } = createClient({ baseUrl: url })
  assert.deepEqual(Buffer.from(await audit.tile(0, 1_234_067)), bytes)
  await audit.tile(63, 0, 256)
  await audit.entryTile(999, 5)
  await audit.entryTile(1_000)
  const asked = received.map(({ url: path }) => path.replace('/mcp-audit/tile/', ''))
  assert.deepEqual(asked, ['0/x001/x234/067', '63/000', 'entries/999.p/5', 'entries/x001/000'])
  for (const call of [audit.tile(-1, 0), audit.tile(0, 0.5), audit.entryTile(0, 0)]) {
    assert.equal(await codeOf(call), 'invalid_argument')
  }
})

test('erasures, holds and retention say what was done, and which entry says so', async (t) => {
  const audit = { id: 9, entry_hash: HASHES[0] }
  const hold = { id: 1, audit_id: 9, subject: 's', released_by: null }
  const { url, received } = await serve(t, (response, { method, url: path }) => {
    if (path.includes('/holds')) json(response, method === 'GET' ? [hold] : hold)
    else json(response, { count: 1, skipped_held: 0, more: false, audit })
  })
  const client = createClient({ baseUrl: url }).audit
  const grounds = { reason: 'r', legal_basis: 'l' }
  assert.equal((await client.erase(7, grounds)).audit.id, 9)
  const order = { before: '2026-01-01T00:00:00Z', ...grounds }
  assert.equal((await client.retention(order)).more, false)
  assert.equal((await client.hold({ subject: 's', reason: 'r' })).id, 1)
  assert.equal((await client.release(1, 'r')).audit_id, 9)
  assert.deepEqual((await client.holdsPage({ limit: 5 })).items, [hold])
  for await (const each of client.holds()) assert.deepEqual(each, hold)
  const asked = received.map(({ method, url: path, body }) => [method, path, body])
  assert.deepEqual(asked, [
    ['POST', '/mcp-audit/events/7/erase', JSON.stringify(grounds)],
    ['POST', '/mcp-audit/retention', JSON.stringify(order)],
    ['POST', '/mcp-audit/holds', '{"subject":"s","reason":"r"}'],
    ['POST', '/mcp-audit/holds/1/release', '{"reason":"r"}'],
    ['GET', '/mcp-audit/holds?limit=5', ''],
    ['GET', '/mcp-audit/holds', ''],
  ])
  assert.ok(received.every(({ headers }) => headers['idempotency-key'] === undefined))
})

test('an erasure that does not say what it did may have been made all the same', async (t) => {
  const { url } = await serve(t, (response, request) => made(response, request))
  const client = createClient({ baseUrl: url }).audit
  const call = client.erase(7, { reason: 'r', legal_basis: 'l' })
  await assert.rejects(call, { code: 'invalid_answer', outcomeUnknown: true })
  const held = await serve(t, (response) => problem(response, 409, 'legal_hold'))
  const refused = createClient({ baseUrl: held.url }).audit.erase(7, {
    reason: 'r',
    legal_basis: 'l',
  })
  await assert.rejects(refused, { code: 'legal_hold', outcomeUnknown: false })
})
