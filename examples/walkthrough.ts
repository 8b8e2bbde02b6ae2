// A walk through the control plane that checks every answer. Needs the running stack:
//
//   npm start                    in one terminal
//   npm run walkthrough          in another
//
// The gateway is http://127.0.0.1:8080, or what AIGOV_URL says. Exit code 0 if every answer was as
// expected, 1 otherwise. It writes to the log: a model version and two decisions a run.
import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const gateway = process.env.AIGOV_URL ?? 'http://127.0.0.1:8080'

async function call(path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(gateway + path, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }),
  }).catch((): never => {
    console.error(
      `\nNothing answers at ${gateway}: start the stack first (npm start), or set AIGOV_URL.`,
    )
    process.exit(1)
  })
  return { status: response.status, text: await response.text() }
}

async function step(title: string, check: () => Promise<string>) {
  process.stdout.write(`${title} ... `)
  console.log(await check())
}

const sha256 = (...parts: (Buffer | string)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

await step('The gateway lists its services', async () => {
  const { services } = JSON.parse((await call('/mcp')).text)
  assert.deepEqual(services, ['mcp-audit', 'mcp-lineage', 'mcp-policy'])
  return services.join(', ')
})

let pinned = ''
let kept = ''

await step('The key of the log is taken once, and a checkpoint kept', async () => {
  const key = await call('/mcp-audit/checkpoint/key')
  assert.equal(key.status, 200, key.text)
  pinned = key.text.trim()
  kept = (await call('/mcp-audit/checkpoint')).text
  const { origin, size } = opened(kept)
  return `${origin} at ${size} entries`
})

const example = JSON.parse(readFileSync(new URL('register_model.json', import.meta.url), 'utf8'))
const version = `1.2.3-${randomUUID().slice(0, 8)}`

await step('A model version is registered with its log entry', async () => {
  const { status, text } = await call('/api/v1/models/register', { ...example, version })
  assert.equal(status, 200, text)
  const { lineage, audit } = JSON.parse(text)
  assert.equal(lineage.revision, 1)
  const entry = JSON.parse((await call(`/mcp-audit/events/${audit.id}`)).text)
  assert.equal(entry.subject, `fraud-detector@${version}`)
  assert.equal(entry.details.record_hash, lineage.record_hash)
  return `entry ${audit.id}`
})

await step('Its artifacts cannot be exchanged', async () => {
  const { status, text } = await call('/mcp-lineage/register', {
    ...example,
    version,
    artifacts: ['sha256:other'],
  })
  assert.deepEqual([status, JSON.parse(text).code], [409, 'artifacts_conflict'])
  return '409 artifacts_conflict'
})

const payload = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}
const subject = `fraud-detector@${version}`
const key = `walkthrough-${version}`
let receipt: { allowed: boolean; audit: { id: number; entry_hash: string } }

await step('The gate allows a release, and has that on record', async () => {
  const question = { payload, subject }
  const { status, text } = await call('/api/v1/gate', question, { 'idempotency-key': key })
  assert.equal(status, 200, text)
  receipt = JSON.parse(text)
  const { allowed, decision, audit } = JSON.parse(text)
  assert.deepEqual([allowed, decision.risk_score], [true, 3])
  assert.deepEqual([audit.event_type, audit.subject], ['gate.decided', subject])
  assert.equal(audit.decision, true)
  assert.deepEqual(audit.details.decision, decision)
  return `risk score ${decision.risk_score}, entry ${audit.id}`
})

await step('Asked again under its key, it answers what is on record', async () => {
  const question = { payload, subject }
  const { text } = await call('/api/v1/gate', question, { 'idempotency-key': key })
  assert.deepEqual(JSON.parse(text), receipt)
  return `entry ${receipt.audit.id}`
})

await step('Without its risk factors it is denied, and that is on record too', async () => {
  const { risk, ...rest } = payload
  const { text } = await call('/api/v1/gate', { payload: rest, subject })
  const { allowed, decision, audit } = JSON.parse(text)
  assert.deepEqual([allowed, audit.decision, decision.risk_score], [false, false, 45])
  for (const factor of Object.keys(risk)) assert.ok(decision.reasons.join().includes(factor))
  return `risk score ${decision.risk_score}, entry ${audit.id}`
})

const entryHashes: Buffer[] = []
let signed = ''

await step('The export is complete, and every hash in it can be recomputed', async () => {
  const { text } = await call('/mcp-audit/export?fmt=ndjson')
  const lines = text.trimEnd().split('\n')
  const trailer = JSON.parse(lines.pop() as string)
  assert.equal(trailer.trailer, true)
  assert.equal(trailer.count, lines.length)
  let prev = '00'.repeat(32)
  for (const line of lines) {
    const entry = JSON.parse(line)
    // The stored text of the details, as it stands in the line.
    const details = line.slice(
      line.indexOf('"details":') + 10,
      line.lastIndexOf(',"details_salt":'),
    )
    // Of erased details the hash is what is left.
    const detailsHash = entry.erased
      ? entry.details_hash
      : sha256(Buffer.from(entry.details_salt, 'hex'), details).toString('hex')
    const { actor, decision, event_type, request_id, subject } = entry
    const envelope = {
      actor,
      decision,
      details_hash: detailsHash,
      event_type,
      request_id,
      subject,
      v: 1,
    }
    const numbers = Buffer.alloc(16)
    numbers.writeBigUInt64BE(BigInt(entry.id), 0)
    numbers.writeBigInt64BE(microseconds(entry.created_at), 8)
    assert.equal(entry.prev_hash, prev, `entry ${entry.id} continues the one before`)
    const link = Buffer.from(prev, 'hex')
    prev = sha256(Buffer.of(2), link, numbers, sha256(JSON.stringify(envelope))).toString('hex')
    assert.equal(entry.entry_hash, prev, `entry ${entry.id} has the hash of its content`)
    entryHashes.push(Buffer.from(prev, 'hex'))
  }
  assert.equal(trailer.last_entry_hash, prev)
  const { id, entry_hash } = receipt.audit
  assert.equal(entryHashes[id - 1]?.toString('hex'), entry_hash, 'the gate said where it is')
  signed = trailer.checkpoint
  return `${lines.length} entries`
})

await step('They are what the pinned key signed, then and now', async () => {
  for (const note of [kept, signed]) {
    const { size, root } = opened(note)
    assert.ok(size <= entryHashes.length)
    assert.deepEqual(rootOf(entryHashes.slice(0, size)), root, `the root at ${size} entries`)
  }
  return `roots at ${opened(kept).size} and ${opened(signed).size} entries`
})

await step('The services find the same', async () => {
  for (const path of ['/mcp-audit/verify', '/mcp-lineage/verify']) {
    assert.equal(JSON.parse((await call(path)).text).ok, true)
  }
  return 'log and lineage verify'
})

/** `2026-11-23T02:03:04.000005Z` in microseconds since the epoch; Date alone would drop the last three. */
function microseconds(text: string): bigint {
  return BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n + BigInt(text.slice(20, 26))
}

/**
 * Origin, size and root of a checkpoint that the pinned key signed; throws where it did not. What is read here is
 * what this control plane writes; docs/FORMATS.md, "Checkpoint", says what else a reader has to expect.
 */
function opened(note: string) {
  const [, origin = '', keyId = '', publicKey = ''] =
    /^(.+)\+([0-9a-f]{8})\+(.+)$/.exec(pinned) ?? []
  const text = note.slice(0, note.indexOf('\n\n') + 1)
  const line = note.split('\n').find((one) => one.startsWith(`\u2014 ${origin} `)) ?? ''
  const signature = Buffer.from(line.split(' ')[2] ?? '', 'base64')
  assert.equal(signature.subarray(0, 4).toString('hex'), keyId, 'it is signed by the pinned key')
  const x = Buffer.from(publicKey, 'base64').subarray(1).toString('base64url')
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  assert.ok(verify(null, Buffer.from(text), key, signature.subarray(4)), 'the signature fits')
  const [name, size, root = ''] = text.split('\n')
  assert.equal(name, origin)
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') }
}

/** The root of the Merkle tree over the first entries, after RFC 6962. */
function rootOf(entries: readonly Buffer[]): Buffer {
  if (entries.length === 0) return sha256()
  let level: Buffer[] = entries.map((hash) => sha256(Buffer.of(0), hash))
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2) as [Buffer, Buffer?]
      // A node without a neighbour rises as it is.
      above.push(right ? sha256(Buffer.of(1), left, right) : left)
    }
    level = above
  }
  return level[0] as Buffer
}
