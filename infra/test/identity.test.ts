import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { serviceClaims, signIdentity } from '@ai-governance/common/callers/identity'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const ACTIVATED = JSON.stringify({ event_type: 'policy.activated', subject: 's', decision: true })
const DEPLOYED = JSON.stringify({ event_type: 'model.deployed', subject: 's', decision: true })

let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
})
after(async () => {
  await stack.stop()
  await database.drop()
})

/** The headers with which mcp-policy would send `body` to `target`. */
function signed(target: string, body: string): Record<string, string> {
  const requestId = `r-${randomBytes(4).toString('hex')}`
  const parties = { from: 'mcp-policy', to: 'mcp-audit', scopes: ['audit:append', 'audit:read'] }
  const call = { ...parties, requestId, method: 'POST', target, body }
  const claims = serviceClaims(call, Date.now() / 1_000)
  return {
    'content-type': 'application/json',
    'x-request-id': requestId,
    'x-mcp-identity': signIdentity(claims, stack.identityKey),
  }
}

async function post(url: string, body: string, headers: Record<string, string>) {
  const answer = await fetch(url, { method: 'POST', body, headers })
  const json = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, code: json.code, actor: json.actor }
}

test('the attack: a header that is right is sent through the gateway, which drops it', async () => {
  const url = `${stack.gateway.url}/mcp-audit/log`
  for (const target of ['/log', '/mcp-audit/log']) {
    const refused = await post(url, ACTIVATED, signed(target, ACTIVATED))
    assert.deepEqual([refused.status, refused.code], [403, 'event_type_reserved'])
    const anonymous = await post(url, DEPLOYED, signed(target, DEPLOYED))
    assert.deepEqual([anonymous.status, anonymous.actor], [200, 'anonymous'])
  }
})

test('the same header goes straight to mcp-audit and counts, once at each replica', async () => {
  const headers = signed('/log', ACTIVATED)
  for (const { url } of [stack.audit, stack.otherAudit]) {
    const { status, actor } = await post(`${url}/log`, ACTIVATED, headers)
    assert.deepEqual([status, actor], [200, 'service:mcp-policy'])
    const again = await post(`${url}/log`, ACTIVATED, headers)
    assert.deepEqual([again.status, again.code], [401, 'unauthorized'])
  }
})

test('a header is no way into what mcp-audit does not serve', async () => {
  const headers = signed('/nothing', ACTIVATED)
  const { status, code } = await post(`${stack.audit.url}/nothing`, ACTIVATED, headers)
  assert.deepEqual([status, code], [404, 'not_found'])
})
