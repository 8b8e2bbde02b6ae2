import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stage } from './admission-stage.ts'
import { assertRefused, getBytes, postBytes, sendRaw, startPair } from './harness.ts'

describe('the places at a service', () => {
  test('are taken at once while there are some; then one waits, and the first who came is next', () => {
    const { enter, told, leave } = stage()
    enter('a', 'b', 'c', 'd')
    assert.equal(told(), 'a in, b in')
    leave()
    assert.equal(told(), 'c in')
    leave()
    assert.equal(told(), 'd in')
  })

  test('with a full queue refuse at once, and say so before', () => {
    const { admission, enter, told, leave } = stage({ waiting: 1 })
    enter('a', 'b')
    assert.equal(admission.isFullFor('a'), false)
    enter('c')
    assert.equal(admission.isFullFor('a'), true)
    enter('d')
    assert.equal(told(), 'a in, b in, d away')
    leave()
    assert.equal(admission.isFullFor('a'), false)
  })

  test('let nobody wait while the process is behind', () => {
    const { enter, told } = stage({ late: true })
    enter('a', 'b', 'c')
    assert.equal(told(), 'a in, b in, c away')
  })

  test('let one wait for so long, and no longer', () => {
    const { admission, clock, enter, told } = stage()
    enter('a', 'b', 'c')
    clock.ms = 45
    enter('d')
    told()
    clock.ms = 50
    admission.expire()
    assert.equal(told(), '')
    clock.ms = 51
    admission.expire()
    assert.equal(told(), 'c away')
    clock.ms = 94
    admission.expire()
    assert.equal(told(), '')
    clock.ms = 95
    admission.expire()
    assert.equal(told(), 'd away')
  })

  test('with a queue that does not empty let in the newest, and send away who is late', () => {
    const { clock, enter, told, leave } = stage()
    enter('a', 'b', 'c')
    clock.ms = 48
    enter('d')
    clock.ms = 50
    enter('e')
    told()
    clock.ms = 59
    leave()
    assert.equal(told(), 'c away, e in')
  })

  test('are no calmer where the queue empties because all who waited were sent away', () => {
    const { admission, clock, enter, told, leave } = stage()
    enter('a', 'b', 'c')
    clock.ms = 60
    admission.expire()
    assert.equal(told(), 'a in, b in, c away')
    enter('d', 'e')
    clock.ms = 65
    leave()
    assert.equal(told(), 'e in')
  })

  test('are as before once the queue has emptied', () => {
    const { admission, clock, enter, told, leave } = stage()
    enter('a', 'b', 'c')
    clock.ms = 49
    for (let n = 0; n < 3; n++) leave()
    assert.equal(admission.inside, 0)
    told()
    clock.ms = 1_000
    enter('d', 'e', 'f', 'g')
    clock.ms = 1_040
    leave()
    assert.equal(told(), 'd in, e in, f in')
  })
})

const GUARD = { timeout: 20_000 }

/** A gateway with few places, before services that answer when told to. */
async function startHeld(t: TestContext, limits: object) {
  const held: ServerResponse[] = []
  const pair = await startPair(t, (_request, response) => held.push(response), limits)
  const release = () => {
    for (const response of held.splice(0))
      response.writeHead(200, { 'content-length': 2 }).end('{}')
  }
  const arrived = async (count: number) => {
    while (pair.recorder.received.length < count) await sleep(5)
  }
  return { ...pair, release, arrived }
}

describe('a service with more calls than places', () => {
  const FEW = { inFlight: 2, waiting: 0 }
  const read = (port: number, service = 'mcp-audit', path = 'events') =>
    sendRaw(port, getBytes(port, `/${service}/${path}`))
  /** With a call at each of its two places. */
  const startFull = async (t: TestContext) => {
    const { gateway, ...held } = await startHeld(t, FEW)
    const first = [read(gateway.port), read(gateway.port)]
    await held.arrived(2)
    return { ...held, port: gateway.port, first }
  }

  test(
    'refuses the rest as overloaded, the others are not affected, and all is well after',
    GUARD,
    async (t) => {
      const { port, recorder, release, arrived, first } = await startFull(t)
      for (const answer of [
        await read(port),
        await sendRaw(port, postBytes(port, '/mcp-audit/log', '{}')),
      ]) {
        assertRefused(answer, 503, 'overloaded')
        assert.equal(answer.headers['retry-after'], '1')
      }
      const other = read(port, 'mcp-policy', 'policies')
      await arrived(3)
      assert.equal(recorder.received.length, 3)
      release()
      for (const answer of await Promise.all([...first, other])) assert.equal(answer.status, 200)
      const again = read(port)
      await arrived(4)
      release()
      assert.equal((await again).status, 200)
    },
  )

  test(
    'refuses a small body before it is there, and drops it on a connection that stays',
    GUARD,
    async (t) => {
      const { port, recorder, release, first } = await startFull(t)
      const smuggled = getBytes(port, '/mcp-audit/events/1')
      const post = postBytes(port, '/mcp-audit/log', smuggled).toString('latin1')
      const head = post.slice(0, post.indexOf('\r\n\r\n') + 4)
      const socket = connect(port, '127.0.0.1')
      t.after(() => socket.destroy())
      const texts = socket.setEncoding('latin1')[Symbol.asyncIterator]()
      socket.write(head)
      const refusal = String((await texts.next()).value)
      assert.match(refusal, /^HTTP\/1\.1 503 .*"code":"overloaded"/s)
      assert.doesNotMatch(refusal, /connection: close/i)
      socket.write(smuggled + getBytes(port, '/nothing'))
      assert.match(String((await texts.next()).value), /^HTTP\/1\.1 404 /)
      assert.equal(recorder.received.length, 2)
      release()
      await Promise.all(first)
    },
  )

  test('is told before a body is parsed, by its size alone', GUARD, async (t) => {
    const { gateway, recorder, release, arrived } = await startHeld(t, {
      ...FEW,
      ...{ largeBody: 1_000, largeInFlight: 0 },
    })
    const { port } = gateway
    const small = postBytes(port, '/mcp-audit/log', '{"a":')
    const large = postBytes(port, '/mcp-audit/log', `{"a":"${'x'.repeat(1_000)}`)
    assertRefused(await sendRaw(port, small), 400, 'invalid_json')
    // Large ones have places of their own, here none.
    assertRefused(await sendRaw(port, large), 503, 'overloaded')
    const first = [read(port), read(port)]
    await arrived(2)
    assertRefused(await sendRaw(port, small), 503, 'overloaded')
    release()
    for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
    assertRefused(await sendRaw(port, small), 400, 'invalid_json')
    assert.equal(recorder.received.length, 2)
  })

  test('lets one wait, and serves it when a place is free', GUARD, async (t) => {
    const { gateway, recorder, release, arrived } = await startHeld(t, {
      inFlight: 1,
      patience: 15_000,
    })
    const first = read(gateway.port)
    await arrived(1)
    const second = read(gateway.port)
    await sleep(50)
    assert.equal(recorder.received.length, 1)
    release()
    assert.equal((await first).status, 200)
    await arrived(2)
    release()
    assert.equal((await second).status, 200)
  })

  test('refuses who has waited for too long', GUARD, async (t) => {
    const { gateway, recorder, release, arrived } = await startHeld(t, {
      inFlight: 1,
      patience: 20,
    })
    const first = read(gateway.port)
    await arrived(1)
    assertRefused(await read(gateway.port), 503, 'overloaded')
    release()
    assert.equal((await first).status, 200)
    assert.equal(recorder.received.length, 1)
  })

  test('has a place again when a caller leaves', GUARD, async (t) => {
    const { gateway, release, arrived } = await startHeld(t, { inFlight: 1, waiting: 0 })
    const leaving = new AbortController()
    const url = `${gateway.url}/mcp-audit/events`
    const gone = fetch(url, { signal: leaving.signal }).catch(() => 'left')
    await arrived(1)
    leaving.abort()
    assert.equal(await gone, 'left')
    let answer = read(gateway.port)
    const until = async () => {
      while ((await Promise.race([answer, arrived(2)]))?.status === 503) answer = read(gateway.port)
    }
    await until()
    release()
    assert.equal((await answer).status, 200)
  })

  test('takes four large bodies at once, and small ones beside them', GUARD, async (t) => {
    const { gateway, recorder, release, arrived } = await startHeld(t, { largePatience: 20 })
    const { port } = gateway
    const large = postBytes(port, '/mcp-policy/validate', `"${'a'.repeat(1_100_000)}"`)
    const first = [1, 2, 3, 4].map(() => sendRaw(port, large))
    await arrived(4)
    assertRefused(await sendRaw(port, large), 503, 'overloaded')
    const small = sendRaw(port, postBytes(port, '/mcp-policy/validate', '{}'))
    await arrived(5)
    assert.equal(recorder.received.length, 5)
    release()
    for (const answer of await Promise.all([...first, small])) assert.equal(answer.status, 200)
  })
})
