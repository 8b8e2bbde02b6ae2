import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IdentityClaims } from '@ai-governance/common/callers/identity'
import { CALLED_SERVICES, type CalledService } from '../identity-keys.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { bodyHash, gatewayHeaders, type SignedCall, send } from '../test-support/signed-call.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const EVENT = JSON.stringify({ event_type: 'model.deployed', subject: 's', decision: true })
const ROUTES: Record<CalledService, Pick<SignedCall, 'method' | 'target' | 'body'>[]> = {
  'mcp-lineage': [
    {
      method: 'POST',
      target: '/register',
      body: '{"model_id":"m","version":"1","created_by":"c"}',
    },
    { target: '/models?limit=1' },
  ],
  'mcp-policy': [
    { method: 'POST', target: '/validate', body: '{"payload":{}}' },
    { target: '/policies' },
  ],
  'mcp-audit': [{ method: 'POST', target: '/log', body: EVENT }, { target: '/events?limit=1' }],
}

let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { signed: true, records: true })
})
after(async () => {
  await stack.stop()
  await database.drop()
})

function urlOf(service: CalledService): string {
  const { lineage, policy, audit } = stack
  return { 'mcp-lineage': lineage, 'mcp-policy': policy, 'mcp-audit': audit }[service].url
}

/** Everything that one can call without a scope too many, at every service. */
function calls(): SignedCall[] {
  return CALLED_SERVICES.flatMap((to) =>
    ROUTES[to].map((route) => ({ url: urlOf(to), to, ...route })),
  )
}

const keyOf = ({ to }: SignedCall) => stack.identityKeys[to as CalledService]
const othersOf = ({ to }: SignedCall) => CALLED_SERVICES.filter((name) => name !== to)
const now = () => Math.floor(Date.now() / 1_000)

/** What all refusals have in common: everything but the id of the request. */
const refusals = new Set<string>()

async function assertRefused(call: SignedCall, headers: Record<string, string>, what: string) {
  const answer = await send(call, headers)
  const { request_id, ...rest } = answer.json
  assert.equal(answer.status, 401, `${what}: ${JSON.stringify(answer.json)}`)
  assert.equal(typeof request_id, 'string')
  const challenge = answer.headers.get('www-authenticate')
  refusals.add(JSON.stringify({ ...rest, challenge }))
  assert.equal(refusals.size, 1, [...refusals].join('\n'))
}

test('a call of the gateway counts at every service, for whom it says', async () => {
  for (const call of calls()) {
    const { status, json } = await send(call, gatewayHeaders(call, keyOf(call)))
    assert.equal(status, 200, `${call.to} ${call.target}: ${JSON.stringify(json)}`)
  }
  const { url } = stack.audit
  const call = { url, to: 'mcp-audit', target: '/events?actor=key:tester' } as const
  const entries = (await send(call, gatewayHeaders(call, keyOf(call)))).json
  const types = (entries as unknown as { event_type: string }[]).map((entry) => entry.event_type)
  assert.deepEqual(types.toSorted(), ['lineage.registered', 'model.deployed'])
})

describe('the attack: somebody reaches a service directly', () => {
  test('without a header, or with one of his own', async () => {
    for (const call of calls()) {
      await assertRefused(call, {}, 'none')
      for (const header of ['', 'x', 'a.b', `${'e30'}.${'A'.repeat(43)}`]) {
        await assertRefused(call, { 'x-mcp-identity': header }, header)
      }
      await assertRefused(call, { authorization: 'Bearer x' }, 'a token')
      await assertRefused(call, gatewayHeaders(call, randomBytes(32)), 'any key')
    }
  })

  test('on a path or with a method that there is not', async () => {
    for (const to of CALLED_SERVICES) {
      const call = { url: urlOf(to), to, target: '/nothing' }
      await assertRefused(call, {}, 'nothing')
      const signed = await send(call, gatewayHeaders(call, keyOf(call)))
      assert.deepEqual([signed.status, signed.json.code], [404, 'not_found'])
      await assertRefused({ ...call, target: '/healthz?x' }, {}, 'almost a probe')
    }
  })

  test('and gets an answer to a probe alone, which tells nothing', async () => {
    for (const to of CALLED_SERVICES) {
      for (const target of ['/healthz', '/readyz']) {
        const { status, json } = await send({ url: urlOf(to), to, target }, {})
        assert.deepEqual([status, json], [200, { ok: true }])
      }
    }
  })
})

describe('the attack: somebody who saw a signed call', () => {
  test('sends it again', async () => {
    for (const call of calls()) {
      const headers = gatewayHeaders(call, keyOf(call))
      assert.equal((await send(call, headers)).status, 200)
      await assertRefused(call, headers, 'again')
    }
  })

  test('sends it to another replica, which has a memory of its own: there it counts once more, and no more', async () => {
    const [call] = calls().filter(({ method, to }) => method === 'POST' && to === 'mcp-audit')
    assert.ok(call)
    const headers = gatewayHeaders(call, keyOf(call))
    for (const url of [stack.audit.url, stack.otherAudit.url]) {
      assert.equal((await send({ ...call, url }, headers)).status, 200)
      await assertRefused({ ...call, url }, headers, url)
    }
  })

  test('puts it on another target, method, body, request or service, or waits', async () => {
    for (const call of calls()) {
      const isPost = call.method === 'POST'
      const wrong: Record<string, Partial<IdentityClaims>> = {
        target: { target: `${call.target}${call.target.includes('?') ? '&' : '?'}x=1` },
        'no target': { target: '/' },
        method: { m: isPost ? 'GET' : 'POST' },
        body: { body: bodyHash('other') },
        'a stream': { body: null },
        'another request': { rid: 'r-0' },
        'another service': { aud: othersOf(call)[0] ?? '' },
        expired: { iat: now() - 61, exp: now() - 1 },
        'from the future': { iat: now() + 30, exp: now() + 60 },
        'too long': { exp: now() + 600 },
        'another version': { v: 2 as 1 },
      }
      for (const [what, changes] of Object.entries(wrong)) {
        const headers = gatewayHeaders(call, keyOf(call), changes)
        await assertRefused(call, headers, `${call.to} ${call.target} ${what}`)
      }
    }
  })
})

describe('the attack: one service', () => {
  test('calls another with its own key, as the gateway or as itself', async () => {
    for (const call of calls()) {
      for (const name of othersOf(call)) {
        const key = stack.identityKeys[name]
        const self = `service:${name}`
        await assertRefused(call, gatewayHeaders(call, key), `${name} as the gateway`)
        await assertRefused(
          call,
          gatewayHeaders(call, key, { iss: name, sub: self, svc: self }),
          `${name} as itself`,
        )
      }
    }
  })

  test('passes on what the gateway had signed for it', async () => {
    for (const call of calls()) {
      for (const name of othersOf(call)) {
        const headers = gatewayHeaders({ ...call, to: name }, stack.identityKeys[name])
        await assertRefused(call, headers, `${name} relays`)
      }
    }
  })

  test('mcp-policy: uses the key of its calls to mcp-audit elsewhere, or there for another', async () => {
    const self = 'service:mcp-policy'
    const claims = { iss: 'mcp-policy', sub: self, svc: self }
    const scopes = ['audit:append', 'audit:read']
    for (const call of calls()) {
      const sign = (changes: Partial<IdentityClaims>) =>
        gatewayHeaders(call, stack.identityKey, changes)
      await assertRefused(call, sign({}), 'as the gateway')
      await assertRefused(call, sign({ ...claims, scopes: ['admin'] }), 'with every scope')
      await assertRefused(call, sign({ ...claims, scopes, sub: 'key:tester' }), 'for a person')
      if (call.to !== 'mcp-audit')
        await assertRefused(call, sign({ ...claims, scopes }), 'elsewhere')
    }
  })

  test('makes its own key sign for services that it is not', async () => {
    for (const call of calls()) {
      for (const service of ['service:mcp-policy', 'service:mcp-audit', 'service:x']) {
        for (const changes of [
          { svc: service },
          { sub: service },
          { sub: service, svc: service },
        ]) {
          await assertRefused(call, gatewayHeaders(call, keyOf(call), changes), service)
        }
      }
      const own = { sub: 'service:mcp-gateway', svc: null }
      await assertRefused(call, gatewayHeaders(call, keyOf(call), own), 'the gateway, passed on')
    }
  })
})

test('a scope that is not there is 403 at the service too, and the log line names who lacked it', async () => {
  for (const call of calls()) {
    const headers = gatewayHeaders(call, keyOf(call), { scopes: ['audit:erase'], sub: 'key:poor' })
    const { status, json } = await send(call, headers)
    assert.deepEqual([status, json.code], [403, 'insufficient_scope'], `${call.to} ${call.target}`)
  }
  for (const { log } of [stack.lineage, stack.policy, stack.audit]) {
    await logged(log, (line) => line.status === 403 && line.actor === 'key:poor')
  }
})

test('why a header is refused is in the log alone, and no log holds a header or a key', async () => {
  const [call] = calls()
  assert.ok(call)
  const headers = gatewayHeaders(call, keyOf(call), { aud: 'mcp-audit' })
  await assertRefused(call, headers, 'for another service')
  const { log } = stack.lineage
  await logged(log, (line) => JSON.stringify(line).includes('signed for another service'))
  const secrets = [headers['x-mcp-identity'] as string, ...Object.values(stack.identityKeys)]
  for (const service of [stack.gateway, stack.lineage, stack.policy, stack.audit]) {
    for (const secret of secrets) {
      const text = typeof secret === 'string' ? secret : secret.toString('base64url')
      assert.ok(!service.log().includes(text))
    }
  }
})

test('mcp-policy records what is in force with mcp-audit, which takes signed calls alone', async () => {
  const call = { url: stack.policy.url, to: 'mcp-policy', target: '/policies' }
  const deadline = Date.now() + 20_000
  for (;;) {
    const { json } = await send(call, gatewayHeaders(call, keyOf(call)))
    if (json.recorded === true) return
    assert.ok(Date.now() < deadline, 'it is not recorded')
    await sleep(50)
  }
})

test('what comes through the gateway is signed by it, as often as somebody calls', async () => {
  const events = `${stack.gateway.url}/mcp-audit/log`
  for (let i = 0; i < 20; i++) {
    const call = { url: events, to: '', method: 'POST', target: '', body: EVENT } as const
    const { status, json } = await send(call, {})
    assert.deepEqual([status, json.actor], [200, 'anonymous'], JSON.stringify(json))
  }
})

/** Waits for a log line that fits: lines are gathered for a moment before they are written. */
async function logged(log: () => string, fits: (line: Record<string, unknown>) => boolean) {
  for (const deadline = Date.now() + 5_000; ; await sleep(50)) {
    const lines = log().split('\n')
    const whole = lines.filter((text) => text.startsWith('{') && text.endsWith('}'))
    if (whole.some((text) => fits(JSON.parse(text) as Record<string, unknown>))) return
    assert.ok(Date.now() < deadline, 'there is no such line')
  }
}
