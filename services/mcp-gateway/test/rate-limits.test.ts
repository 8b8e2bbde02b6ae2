import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RateLimiter, sourceOf } from '../src/auth/rate-limits.ts'
import { bearer, get, makeKey, startWithKeys, until } from './auth-harness.ts'
import { assertRefused, getBytes, sendRaw, startGateway, startRecorder } from './harness.ts'

describe('a token bucket', () => {
  test('gives a burst, then so many a second, and says when the next comes', () => {
    const limiter = new RateLimiter({ perSecond: 2, burst: 3 })
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take('a', 10)),
      [0, 0, 0, 1],
    )
    assert.equal(limiter.take('b', 10), 0)
    assert.deepEqual([limiter.take('a', 10.5), limiter.take('a', 10.5)], [0, 1])
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.take('a', 1_000)),
      [0, 0, 0, 1],
    )
    const slow = new RateLimiter({ perSecond: 1, burst: 1 })
    slow.take('a', 0)
    assert.equal(slow.take('a', 0.25), 1)
  })

  test('asking takes nothing', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 })
    assert.deepEqual([limiter.wait('a', 0), limiter.wait('a', 0), limiter.take('a', 0)], [0, 0, 0])
    assert.deepEqual([limiter.wait('a', 0), limiter.wait('b', 0)], [1, 0])
  })

  test('never lets through more than the burst and the rate allow', () => {
    const steps = fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 200 })
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (gaps, perSecond, burst) => {
          const limiter = new RateLimiter({ perSecond, burst })
          let now = 0
          let taken = 0
          for (const gap of gaps) {
            now += gap
            if (limiter.take('a', now) === 0) taken++
            assert.ok(taken <= burst + now * perSecond + 1e-6)
          }
        },
      ),
    )
  })

  test('remembers so many names and no more, those that come often first', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, 3)
    for (const name of ['often', 'a', 'b']) limiter.take(name, 0)
    limiter.take('often', 1)
    for (const name of ['c', 'd']) limiter.take(name, 1)
    assert.equal(limiter.wait('often', 1), 1)
    assert.equal(limiter.wait('a', 1), 0)
  })
})

test('an address is that of the socket: IPv4 as it is, IPv6 by its first 64 bits', () => {
  const rows: [address: string | undefined, source: string][] = [
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ]
  for (const [remoteAddress, source] of rows) {
    assert.equal(sourceOf({ remoteAddress: remoteAddress as string }), source)
  }
})

const EVENTS = '/mcp-audit/events'

test('a key that asks too often is 429 and told when to come back; other keys are not', async (t) => {
  const [busy, other] = [makeKey(['admin']), makeKey(['admin'])]
  const rate = { perSecond: 1, burst: 3 }
  const { gateway, recorder } = await startWithKeys(t, [busy, other], { perKey: rate })
  const answers = []
  for (let i = 0; i < 20; i++) answers.push(await get(gateway, EVENTS, bearer(busy.token)))
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0)
  for (const answer of refused) {
    assertRefused(answer, 429, 'rate_limited')
    assert.equal(answer.headers['retry-after'], '1')
  }
  assert.equal(recorder.received.length, 20 - refused.length)
  assert.equal((await get(gateway, EVENTS, bearer(other.token))).status, 200)
  await until(t, async () => (await get(gateway, EVENTS, bearer(busy.token))).status === 200)
})

test('an address that guesses is not listened to, until it has been quiet', async (t) => {
  const key = makeKey(['admin'])
  const { gateway } = await startWithKeys(t, [key], { perAddress: { perSecond: 2, burst: 5 } })
  // Right credentials cost an address nothing, as a proxy may stand for many callers.
  for (let i = 0; i < 20; i++) {
    assert.equal((await get(gateway, EVENTS, bearer(key.token))).status, 200)
  }
  const guess = () =>
    get(gateway, EVENTS, bearer(makeKey(['admin']).token), 'X-Forwarded-For: 1.2.3.4')
  await until(t, async () => (await guess()).status === 429)
  assertRefused(await get(gateway, EVENTS, bearer(key.token)), 429, 'rate_limited')
  assertRefused(await get(gateway, EVENTS), 429, 'rate_limited')
  assert.equal((await get(gateway, '/healthz')).status, 200)
  await until(t, async () => (await get(gateway, EVENTS, bearer(key.token))).status === 200)
})

test('without credentials an address has a limit only where one is configured', async (t) => {
  const recorder = await startRecorder(t)
  const services = { 'mcp-audit': recorder.url }
  const rateLimits = { perKey: null, perAddress: { perSecond: 1, burst: 2 } }
  const gateway = await startGateway(t, services, {}, [], { rateLimits })
  const ask = (port: number) => sendRaw(port, getBytes(port, EVENTS))
  await until(t, async () => (await ask(gateway.port)).status === 429)
  const free = await startGateway(t, services)
  for (let i = 0; i < 50; i++) assert.equal((await ask(free.port)).status, 200)
})
