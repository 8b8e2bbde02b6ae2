import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatApiKeys, hashToken } from '@ai-governance/common/callers/api-keys'
import { createTestDatabase } from '../test-support/database.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { startStack } from '../test-support/stack.ts'

interface Entry {
  event_type: string
  subject: string
  decision: boolean
  actor: string
  details: { source: string; count: number; from: string; to: string }
}

function newKey(revoked_at: string | null) {
  const id = randomBytes(4).toString('hex')
  const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
  const times = { created_at: '2026-11-23T10:00:00Z', expires_at: null, revoked_at }
  const scopes = ['audit:read' as const]
  return { token, record: { id, name: id, scopes, sha256: hashToken(token), ...times } }
}

async function start(t: TestContext) {
  const keys = [newKey(null), newKey('2026-11-23T10:00:00Z')] as const
  const path = join(scratchFolder(t), 'api-keys.json')
  const file = formatApiKeys({ v: 1, keys: keys.map(({ record }) => record) })
  writeFileSync(path, file, { mode: 0o600 })
  const database = await createTestDatabase()
  const gatewayEnv = { AUTH_MODE: 'keys', API_KEYS_PATH: path }
  const stack = await startStack(database, { gatewayEnv })
  t.after(async () => {
    await stack.stop()
    await database.drop()
  })
  return { stack, keys }
}

test('whoever the gateway refused is on the log of mcp-audit, in its name, and nobody else can write that', async (t) => {
  const { stack, keys } = await start(t)
  const [reader, revoked] = keys
  const call = async (token: string | null, path = '/mcp-audit/events') => {
    const headers = token === null ? [] : [['authorization', `Bearer ${token}`] as [string, string]]
    return (await fetch(stack.gateway.url + path, { headers })).status
  }
  assert.equal(await call(reader.token), 200)
  for (let i = 0; i < 3; i++) assert.equal(await call(null), 401)
  assert.equal(await call(revoked.token), 401)
  assert.equal(await call(reader.token, '/mcp-audit/export'), 403)
  const forged = { event_type: 'auth.denied', subject: 'x', decision: false }
  const answer = await fetch(`${stack.audit.url}/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(forged),
  })
  assert.equal(answer.status, 403)
  await stack.gateway.end('SIGTERM')
  const found = await fetch(`${stack.audit.url}/events?event_type=auth.denied`)
  const entries = (await found.json()) as Entry[]
  for (const { actor, decision, details } of entries) {
    assert.deepEqual([actor, decision, details.source], ['service:mcp-gateway', false, '127.0.0.1'])
  }
  assert.deepEqual(
    Object.fromEntries(entries.map(({ subject, details }) => [subject, details.count])),
    { missing: 3, revoked: 1, missing_scope: 1 },
  )
})
