import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type IdentityClaims, serviceClaims, signIdentity } from '../../src/callers/identity.ts'
import { ReplayMemory } from '../../src/callers/identity-replays.ts'
import { IdentityVerifier, type VerifierOptions } from '../../src/callers/identity-verifier.ts'
import { ApiError } from '../../src/errors.ts'

const NOW = 1_795_000_000
const BODY = '{"event_type":"policy.activated"}'
const REQUEST = { id: 'r-1', method: 'POST', target: '/log' }
const key = randomBytes(32)
const issuers = [{ name: 'mcp-policy', key, mayClaim: () => true }]

const newVerifier = (options: Partial<VerifierOptions> = {}) =>
  new IdentityVerifier({ audience: 'mcp-audit', issuers, startedAt: 0, ...options })

function claimsNow(changes: Partial<IdentityClaims> = {}): IdentityClaims {
  const parties = { from: 'mcp-policy', to: 'mcp-audit', scopes: ['audit:append'] }
  const call = { ...parties, requestId: 'r-1', method: 'POST', target: '/log', body: BODY }
  return { ...serviceClaims(call, NOW), ...changes }
}

/** Both steps. */
function accept(verifier: IdentityVerifier, header: string, now: number): void {
  verifier.admit(verifier.verify(header, REQUEST, now), Buffer.from(BODY), now)
}

const isRefusal = (error: unknown) => error instanceof ApiError && error.code === 'unauthorized'

test('a header counts once, and one that came with another body has not counted', () => {
  const verifier = newVerifier()
  const header = signIdentity(claimsNow(), key)
  const claims = verifier.verify(header, REQUEST, NOW)
  const twin = verifier.verify(header, REQUEST, NOW)
  assert.throws(() => verifier.admit(claims, Buffer.from('{}'), NOW), isRefusal)
  verifier.admit(claims, Buffer.from(BODY), NOW)
  assert.throws(() => verifier.admit(twin, Buffer.from(BODY), NOW), isRefusal)
})

test('where no more can be remembered the answer is no, until the oldest cannot come again', () => {
  const verifier = newVerifier({ seen: new ReplayMemory(2) })
  const send = (claims: IdentityClaims, now: number) => {
    const verified = verifier.verify(signIdentity(claims, key), REQUEST, now)
    verifier.admit(verified, Buffer.from(BODY), now)
  }
  const first = claimsNow()
  send(first, NOW)
  send(claimsNow(), NOW)
  assert.throws(
    () => send(claimsNow(), NOW),
    (error) => error instanceof ApiError && error.code === 'overloaded' && error.status === 503,
  )
  assert.throws(() => send(first, NOW), isRefusal)
  send(claimsNow({ iat: NOW + 65, exp: NOW + 125 }), NOW + 65)
})

test('whatever the times, a header that could still count is never forgotten', () => {
  const step = fc.record({
    after: fc.double({ min: 0, max: 70, noNaN: true }),
    life: fc.integer({ min: 1, max: 65 }),
    fresh: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new ReplayMemory()
      const seen: { jti: string; exp: number }[] = []
      let now = NOW
      for (const { after, life, fresh } of steps) {
        now += after
        const old = seen.find(({ exp }) => exp > now)
        if (old && !fresh) assert.equal(memory.add(old.jti, old.exp, now), 'seen')
        else {
          const jti = String(seen.length)
          const exp = Math.floor(now) + life
          assert.equal(memory.add(jti, exp, now), 'new')
          seen.push({ jti, exp })
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the attack: the clock is set forward and back, and a header is sent again', () => {
  const verifier = newVerifier()
  const header = signIdentity(claimsNow(), key)
  accept(verifier, header, NOW)
  for (const later of [200, 400]) {
    accept(
      verifier,
      signIdentity(claimsNow({ iat: NOW + later, exp: NOW + later + 60 }), key),
      NOW + later,
    )
  }
  assert.throws(() => accept(verifier, header, NOW + 1), isRefusal)
})

test('however the clock is set, a header counts once at most', () => {
  const step = fc.record({
    jump: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: -300, max: 300 })),
    again: fc.nat(),
    fresh: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const verifier = newVerifier()
      const accepted: string[] = []
      let now = NOW
      for (const { jump, again, fresh } of steps) {
        now += jump
        const old = accepted[again % Math.max(accepted.length, 1)]
        if (old && !fresh) assert.throws(() => accept(verifier, old, now), isRefusal)
        const header = signIdentity(claimsNow({ iat: now, exp: now + 60 }), key)
        try {
          accept(verifier, header, now)
          accepted.push(header)
        } catch (error) {
          assert.ok(isRefusal(error))
        }
      }
      assert.ok(steps.length === 0 || accepted.length > 0)
    }),
    { numRuns: 1_000 },
  )
})

test('the attack: what the process before a restart took is sent to the one after it', () => {
  const header = signIdentity(claimsNow(), key)
  accept(newVerifier(), header, NOW)
  const restarted = newVerifier({ startedAt: NOW + 1.5 })
  assert.throws(() => accept(restarted, header, NOW + 2), isRefusal)
  accept(restarted, signIdentity(claimsNow({ iat: NOW + 1, exp: NOW + 61 }), key), NOW + 2)
})
