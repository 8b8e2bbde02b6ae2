import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, type TestContext, test } from 'node:test'
import { serviceClaims, signIdentity } from '@ai-governance/common/callers/identity'
import type { Audit, Entry } from './audit-process.ts'
import { policyFiles, until } from './policy-folders.ts'
import {
  type Exchange,
  identityKey,
  startAudit,
  startFolders,
  startPolicy,
  startProxy,
} from './recording.ts'

/** The services with somebody between them; `lies` is asked first for each answer. */
async function startHostile(t: TestContext, lies: (exchange: Exchange) => boolean) {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const url = await startProxy(t, audit, lies)
  const service = await startPolicy(t, { POLICIES_DIR: folders.current, AUDIT_URL: url })
  return { ...service, audit, folders }
}

const answer = ({ outgoing }: Exchange, status: number, body: unknown) => {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  return true
}

describe('the attack: mcp-audit acknowledges with', () => {
  const answers: [what: string, of: (entry: Entry) => unknown][] = [
    ['an empty object', () => ({})],
    ['other details', (entry) => ({ ...entry, details: { ...entry.details, gate_sla_ms: 1 } })],
  ]
  for (const [what, of] of answers) {
    test(`${what}: that does not count as recorded`, async (t) => {
      let appends = 0
      const { policies, recorded } = await startHostile(t, (exchange) => {
        const isAppend = exchange.incoming.method === 'POST'
        if (isAppend) appends += 1
        return appends === 1 && answer(exchange, 200, isAppend ? of(JSON.parse(exchange.text)) : [])
      })
      await until(policies, (now) => now.recorded || appends > 1)
      assert.equal(appends, 2)
      await recorded()
    })
  }
})

describe('the attack: GET /policies/{digest} is answered with', () => {
  const lies: [what: string, of: (entry: Entry, newest: Entry) => unknown][] = [
    ['another set that was active', (_, newest) => [newest]],
    ['another set under its digest', (entry, newest) => [{ ...newest, subject: entry.subject }]],
    ['one letter less', (entry) => [JSON.parse(JSON.stringify(entry).replace('agreed', 'greed'))]],
    ['no list', (entry) => entry],
    ['two entries', (entry, newest) => [entry, newest]],
  ]
  for (const [what, of] of lies) {
    test(`${what}: it is not passed on, and not kept`, async (t) => {
      let newest: Entry | undefined
      const { folders, policies, recorded, get, audit } = await startHostile(t, (exchange) => {
        if (!newest || !exchange.incoming.url?.includes('subject=')) return false
        return answer(exchange, 200, of(JSON.parse(exchange.text)[0], newest))
      })
      const red = await recorded()
      folders.swap(policyFiles('blue'))
      await until(policies, (now) => now.digest !== red.digest && now.recorded)
      newest = (await audit.activations()).at(-1)
      const refused = await get(`/policies/${red.digest}`)
      assert.deepEqual([refused.statusCode, refused.json().code], [502, 'upstream_invalid'])
      newest = undefined
      assert.equal((await get(`/policies/${red.digest}`)).statusCode, 200)
    })
  }

  test('files that have another digest, be every hash of the entry right', async (t) => {
    const { recorded, get, audit } = await startHostile(t, () => false)
    await recorded()
    const [entry] = await audit.activations()
    const digest = `sha256:${'1'.repeat(64)}`
    await append(audit, digest, { ...entry?.details, digest })
    const refused = await get(`/policies/${digest}`)
    assert.deepEqual([refused.statusCode, refused.json().code], [502, 'upstream_invalid'])
  })
})

test('the attack: an answer that changes the protocol ends nothing and keeps nobody waiting', async (t) => {
  let isHostile = true
  const { recorded, get, policies } = await startHostile(t, ({ outgoing }) => {
    if (!isHostile) return false
    outgoing.socket?.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    )
    return true
  })
  const { digest } = await policies()
  const refused = await get(`/policies/${digest}`)
  assert.deepEqual([refused.statusCode, refused.json().code], [503, 'upstream_unavailable'])
  isHostile = false
  await recorded()
})

test('a set that mcp-audit does not take keeps no later one off the log', async (t) => {
  let refusals = 0
  const { recorded, folders, policies, audit } = await startHostile(t, (exchange) => {
    if (exchange.incoming.method !== 'POST' || refusals > 0) return false
    refusals += 1
    return answer(exchange, 413, { code: 'body_too_large' })
  })
  await until(
    async () => refusals,
    (now) => now === 1,
  )
  const red = await policies()
  assert.equal(red.recorded, false)
  folders.swap(policyFiles('blue'))
  await until(policies, ({ digest }) => digest !== red.digest)
  await recorded()
  assert.equal(refusals, 1)
  assert.notEqual((await audit.activations()).at(-1)?.subject, red.digest)
})

test('a refusal for another reason than the set is no reason to give up', async (t) => {
  let refusals = 0
  const { recorded } = await startHostile(t, (exchange) => {
    if (exchange.incoming.method !== 'POST' || refusals > 0) return false
    refusals += 1
    return answer(exchange, 400, { code: 'invalid_host' })
  })
  await recorded()
  assert.equal(refusals, 1)
})

test('an entry of a later version is no reason to record nothing any more', async (t) => {
  const audit = await startAudit(t)
  await append(audit, 'sha256:later', { digest: 'sha256:later', semantics: { of: 'another kind' } })
  const folders = startFolders(t, policyFiles('red'))
  const service = await startPolicy(t, { POLICIES_DIR: folders.current, AUDIT_URL: audit.url })
  const { digest } = await service.recorded()
  assert.deepEqual(
    (await audit.activations()).map(({ subject }) => subject),
    ['sha256:later', digest],
  )
})

test('many who ask for one set at once cost one question', async (t) => {
  let asked = 0
  const { recorded, get } = await startHostile(t, ({ incoming }) => {
    if (incoming.url?.includes('subject=')) asked += 1
    return false
  })
  const { digest } = await recorded()
  const all = await Promise.all(Array.from({ length: 100 }, () => get(`/policies/${digest}`)))
  assert.deepEqual(new Set(all.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.equal(asked, 1)
})

test('of many sets that are asked for at once so many are, and others hear that they are too many', async (t) => {
  const { recorded, get } = await startHostile(t, () => false)
  await recorded()
  const digests = Array.from({ length: 100 }, (_, i) => `sha256:${String(i).padStart(64, '0')}`)
  const all = await Promise.all(digests.map((digest) => get(`/policies/${digest}`)))
  const codes = all.map((one) => one.json().code)
  assert.equal(codes.filter((code) => code === 'not_found').length, 16)
  assert.equal(codes.filter((code) => code === 'overloaded').length, 84)
  assert.equal((await get(`/policies/${digests[99]}`)).statusCode, 404)
})

/** Appends as mcp-policy would, but what it never would. */
async function append(audit: Audit, subject: string, details: object): Promise<void> {
  const body = JSON.stringify({ event_type: 'policy.activated', subject, decision: true, details })
  const parties = { from: 'mcp-policy', to: 'mcp-audit', scopes: ['audit:append', 'audit:read'] }
  const call = { ...parties, requestId: 'test', method: 'POST', target: '/log', body }
  const key = Buffer.from(readFileSync(identityKey, 'utf8'), 'base64url')
  const headers = {
    'content-type': 'application/json',
    'x-request-id': call.requestId,
    'x-mcp-identity': signIdentity(serviceClaims(call, Date.now() / 1_000), key),
  }
  const { status } = await fetch(`${audit.url}/log`, { method: 'POST', body, headers })
  assert.equal(status, 200)
}
