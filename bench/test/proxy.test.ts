import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOALS } from '../goals.ts'
import { GATEWAY, HTTP_PROXY } from '../subjects/proxies.ts'
import { figuresOf } from '../subjects/proxy.ts'

/** The ratio of rates of the gateway, which takes 60 µs a request, to a proxy that takes 90, at the given rates. */
const ratioAt = (gateway: number, peer: number) => {
  const measured = {
    [GATEWAY]: [{ rate: gateway, cpu: 60 }],
    [HTTP_PROXY]: [{ rate: peer, cpu: 90 }],
  }
  const [rate] = figuresOf('POST /log', GATEWAY, measured)
  return rate?.ratios?.find(({ of }) => of === HTTP_PROXY)
}

test('rates of proxies have a goal where the core of each is the limit, and none where another is', () => {
  assert.deepEqual(ratioAt(16_000, 11_000)?.goal, GOALS.proxyFastify)
  const unjudged = ratioAt(9_000, 9_000)
  assert.deepEqual(unjudged?.values, [1])
  assert.equal(unjudged?.goal, undefined)
  // One of them at its limit is not enough.
  assert.equal(ratioAt(10_500, 10_500)?.goal, undefined)
})
