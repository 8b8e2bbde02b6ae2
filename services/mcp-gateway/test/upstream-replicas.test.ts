import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertRefused, getBytes, postBytes, sendRaw } from './harness.ts'
import { ADDRESSES, ok, problem, startReplicated, type TestReplica } from './replicated.ts'

/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 20_000 }
const TYPE = 'Content-Type: application/json'
const KEYED = [TYPE, 'Idempotency-Key: k1']

const read = (port: number) => sendRaw(port, getBytes(port, '/mcp-audit/events'))
const write = (port: number, headers = [TYPE]) =>
  sendRaw(port, postBytes(port, '/mcp-audit/log', '{}', headers))
const counts = (...replicas: TestReplica[]) => replicas.map(({ received }) => received.length)

/** Lets a replica lose the connection of the next call, once it has all of it. */
function loseNext(replica: TestReplica): void {
  replica.answer = (request) => {
    replica.answer = ok
    request.socket.destroy()
  }
}

/** Asks until a replica has been given a call. */
async function untilUsed(port: number, replica: TestReplica): Promise<void> {
  const before = replica.received.length
  while (replica.received.length === before) {
    assert.equal((await read(port)).status, 200)
    await sleep(5)
  }
}

describe('several replicas of a service', () => {
  test('share the calls, each of them under the name of the service', GUARD, async (t) => {
    const { port, servicePort, first, second } = await startReplicated(t)
    for (let n = 0; n < 200; n++) assert.equal((await read(port)).status, 200)
    // Fewer than 50 of 200 by chance: one in 10^13.
    for (const count of counts(first, second)) assert.ok(count > 50, String(count))
    const hosts = [...first.received, ...second.received].map(({ host }) => host)
    assert.deepEqual([...new Set(hosts)], [`mcp-audit:${servicePort}`])
  })

  test('are given calls by how busy they are', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    const held = Promise.withResolvers<() => void>()
    first.answer = (request, response) => held.resolve(() => ok(request, response))
    const answers: ReturnType<typeof read>[] = []
    while (first.received.length === 0) {
      answers.push(read(port))
      await Promise.race([held.promise, answers.at(-1)])
    }
    const before = second.received.length
    for (let n = 0; n < 20; n++) assert.equal((await read(port)).status, 200)
    assert.deepEqual(counts(first, second), [1, before + 20])
    const release = await held.promise
    release()
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
  })

  test('one that is gone fails no call, and is used again when it is back', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    await untilUsed(port, first)
    await first.stop()
    const before = second.received.length
    for (let n = 0; n < 20; n++) {
      assert.equal((await read(port)).status, 200)
      assert.equal((await write(port)).status, 200)
    }
    assert.equal(second.received.length, before + 40)
    await first.start()
    await untilUsed(port, first)
  })

  test('all gone are 503, and the first that is back is used', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    await Promise.all([first.stop(), second.stop()])
    // A connection of before may break under the first.
    while ((await read(port)).status === 502) await sleep(5)
    assertRefused(await write(port), 503, 'upstream_unavailable')
    await second.start()
    while ((await read(port)).status !== 200) await sleep(5)
  })

  test(
    'follow the name: an address that it loses gets no more calls, one that it gains does',
    GUARD,
    async (t) => {
      const { port, addresses, first, second } = await startReplicated(t)
      await untilUsed(port, first)
      addresses.splice(0, 1)
      let before = -1
      while (first.received.length !== before) {
        before = first.received.length
        for (let n = 0; n < 20; n++) assert.equal((await read(port)).status, 200)
      }
      await untilUsed(port, second)
      addresses.push(ADDRESSES[0])
      await untilUsed(port, first)
    },
  )
})

describe('a connection that is lost under a call', () => {
  test('sends a reading call to the other replica', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    for (const replica of [first, second]) {
      loseNext(replica)
      await untilUsed(port, replica)
    }
  })

  test('sends a change with a key there, once, under the same key', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    loseNext(first)
    loseNext(second)
    // Both lose it: what became of it is not known.
    assertRefused(await write(port, KEYED), 503, 'outcome_unknown')
    const all = [...first.received, ...second.received]
    assert.deepEqual(
      all.map(({ method, key }) => [method, key]),
      [
        ['POST', 'k1'],
        ['POST', 'k1'],
      ],
    )
    assert.deepEqual(counts(first, second), [1, 1])
    // Of forty changes some meet the one that loses them, and are made by the other.
    for (let n = 0; n < 40; n++) {
      loseNext(first)
      assert.equal((await write(port, KEYED)).status, 200)
    }
    assert.ok(first.received.length + second.received.length > 42)
  })

  test('leaves a change without a key in doubt, and never sends it twice', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    loseNext(first)
    loseNext(second)
    assertRefused(await write(port), 503, 'outcome_unknown')
    assert.equal(first.received.length + second.received.length, 1)
  })

  test('is not made good by a replica that then refuses', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    const refuse = problem(503, 'database_unavailable')
    for (const replica of [first, second]) {
      replica.answer = (request) => {
        first.answer = refuse
        second.answer = refuse
        request.socket.destroy()
      }
    }
    assertRefused(await write(port, KEYED), 503, 'outcome_unknown')
  })
})

describe('a replica that says that it is stopping', () => {
  test('has its calls made elsewhere, those without a key too', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    first.answer = problem(503, 'stopping')
    for (let n = 0; n < 40; n++) assert.equal((await write(port)).status, 200)
    const [refused, made] = counts(first, second)
    assert.equal(made, 40)
    assert.ok((refused as number) > 0)
  })

  test('is passed on where all say so, and any other 503 at once', GUARD, async (t) => {
    const { port, first, second } = await startReplicated(t)
    first.answer = problem(503, 'stopping')
    second.answer = problem(503, 'stopping')
    const answer = await write(port)
    assert.equal(answer.status, 503)
    assert.equal(JSON.parse(answer.body).code, 'stopping')
    first.answer = problem(503, 'overloaded')
    second.answer = problem(503, 'overloaded')
    const before = first.received.length + second.received.length
    assert.equal(JSON.parse((await write(port)).body).code, 'overloaded')
    assert.equal(first.received.length + second.received.length, before + 1)
  })
})
