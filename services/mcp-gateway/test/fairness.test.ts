import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Limits } from '../src/limits.ts'
import {
  bearer,
  type MadeKey,
  makeKey,
  makeSecret,
  SERVICES,
  temporaryFolder,
  until,
  verified,
  writeKeys,
} from './auth-harness.ts'
import { verdictOf } from './gate-services.ts'
import {
  type Answer,
  assertRefused,
  getBytes,
  postBytes,
  sendRaw,
  startGateway,
  startRecorder,
} from './harness.ts'

/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 30_000 }
/** Nobody is sent away by the clock. */
const PATIENT = { patience: 20_000, largePatience: 20_000, loopLag: 20_000 }
const VALIDATE = '/mcp-policy/validate'

/** A gateway that two keys may use, before services that answer the oldest call when told to. */
async function startShared(t: TestContext, limits: Partial<Limits>) {
  const keys = { greedy: makeKey(['admin']), polite: makeKey(['admin']) }
  const path = join(temporaryFolder(t), 'api-keys.json')
  writeKeys(path, Object.values(keys))
  const held: ServerResponse[] = []
  const recorder = await startRecorder(t, (_request, response) => held.push(response))
  const services = Object.fromEntries(SERVICES.map((name) => [name, recorder.url]))
  const { path: identitySecretPath, secret } = makeSecret(t)
  const { port, app } = await startGateway(t, services, { ...PATIENT, ...limits }, [], {
    ...{ auth: { mode: 'keys', path }, identitySecretPath },
  })
  const send = ({ token }: MadeKey, target: string, body?: string): Promise<Answer> =>
    sendRaw(
      port,
      body === undefined
        ? getBytes(port, target, [bearer(token)])
        : postBytes(port, target, body, ['Content-Type: application/json', bearer(token)]),
    )
  /** Lets so many calls go on, one after the other, and waits each time until a call has come in its place. */
  const release = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const { length } = recorder.received
      held.shift()?.writeHead(200, { 'content-length': 2 }).end('{}')
      await until(t, () => recorder.received.length > length)
    }
  }
  /** Lets all calls go on until these are answered; returns their statuses. */
  const serve = async (answers: Promise<Answer>[]): Promise<number[]> => {
    let isOver = false
    const all = Promise.all(answers).finally(() => {
      isOver = true
    })
    await until(t, () => {
      for (const response of held.splice(0))
        response.writeHead(200, { 'content-length': 2 }).end('{}')
      return isOver
    })
    return (await all).map(({ status }) => status)
  }
  const waiting = async (count: number) => {
    const line = `governance_upstream_waiting{upstream="mcp-audit",service="mcp-gateway"} ${count}\n`
    await until(t, async () => (await app.metrics.registry.metrics()).includes(line))
  }
  /** Whose calls have come to the services, in their order. */
  const callers = (service: string) =>
    recorder.received.map((call) =>
      verified(secret, service, call).sub === `key:${keys.polite.record.name}`
        ? 'polite'
        : 'greedy',
    )
  return { ...keys, recorder, send, release, serve, waiting, callers, held }
}

const times = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make)
const count = <Item>(items: Item[], item: Item): number =>
  items.filter((one) => one === item).length

test(
  'a key with many connections takes no place and no wait from one with few',
  GUARD,
  async (t) => {
    const shared = await startShared(t, { inFlight: 4, waiting: 20 })
    const { greedy, polite, send, release, serve, waiting, callers } = shared
    const refused: Answer[] = []
    const many = times(64, async () => {
      const answer = await send(greedy, '/mcp-audit/events')
      if (answer.status === 503) refused.push(answer)
      return answer
    })
    await until(t, () => refused.length === 40)
    const few = times(8, () => send(polite, '/mcp-audit/events'))
    // For each of them the newest of the other key has to go.
    await until(t, () => refused.length === 48)
    await waiting(20)
    let sent = 4
    for (; count(callers('mcp-audit'), 'polite') < 8; sent++) await release(1)
    // Of four places each key has two, once the first four, all of one, are given back.
    assert.ok(sent <= 4 + 2 * 8, `${sent} calls had come when the eighth of the other key did`)
    const statuses = await serve([...many, ...few])
    assert.deepEqual(statuses.slice(64), Array(8).fill(200))
    assert.equal(count(statuses, 503), 48)
  },
)

test('the places for large bodies, too, are shared out', GUARD, async (t) => {
  const shared = await startShared(t, { largeBody: 100_000 })
  const { greedy, polite, send, serve, recorder } = shared
  const large = JSON.stringify({ payload: 'x'.repeat(100_000) })
  const many = times(12, () => send(greedy, VALIDATE, large))
  assert.equal((await Promise.race(many)).status, 503)
  await until(t, () => recorder.received.length === 4)
  const few = times(2, () => send(polite, VALIDATE, large))
  const refused: number[] = []
  for (const answer of many) void answer.then(({ status }) => refused.push(status))
  // Four found no place to wait, and two have lost it.
  await until(t, () => refused.length === 6)
  const statuses = await serve([...many, ...few])
  assert.deepEqual(statuses.slice(12), [200, 200])
  assert.equal(count(statuses, 503), 6)
})

test('of the room for bodies a key leaves some for others', GUARD, async (t) => {
  const shared = await startShared(t, { bodyRoom: 400_000 })
  const { greedy, polite, send, serve, callers, recorder } = shared
  const body = JSON.stringify({ payload: 'x'.repeat(90_000) })
  const many: Promise<Answer>[] = []
  for (let n = 1; n <= 3; n++) {
    many.push(send(greedy, VALIDATE, body))
    await until(t, () => recorder.received.length === n)
  }
  assertRefused(await send(greedy, VALIDATE, body), 503, 'overloaded')
  const other = send(polite, VALIDATE, body)
  await until(t, () => callers('mcp-policy').at(-1) === 'polite')
  assert.deepEqual(await serve([...many, other]), [200, 200, 200, 200])
})

test(
  'the gate works on two large bodies at once, and on small ones beside them',
  GUARD,
  async (t) => {
    const shared = await startShared(t, { largeBody: 100_000 })
    const { greedy, polite, send, held, recorder } = shared
    const question = (bytes: number) => ({ payload: { text: 'x'.repeat(bytes) }, subject: 'm@1' })
    const large = JSON.stringify(question(100_000))
    const many = times(6, () => send(greedy, '/api/v1/gate', large))
    await until(t, () => recorder.received.length === 2)
    const small = send(polite, '/api/v1/gate', JSON.stringify(question(10)))
    await until(t, () => recorder.received.length === 3)
    const bytes = recorder.received.map(({ body }) => body.length)
    assert.equal(bytes.filter((length) => length > 100_000).length, 2)
    let isOver = false
    const all = Promise.all([...many, small]).finally(() => {
      isOver = true
    })
    let answered = 0
    let atOnce = 0
    await until(t, () => {
      const calls = recorder.received.slice(answered)
      atOnce = Math.max(atOnce, calls.filter(({ body }) => body.length > 100_000).length)
      for (const response of held.splice(0)) {
        const { target, body } = recorder.received[answered++] ?? assert.fail('nothing came')
        const said = JSON.parse(body.toString())
        const decided = { ...said, id: 7, entry_hash: 'ab'.repeat(32) }
        response.end(JSON.stringify(target === '/log' ? decided : verdictOf(said.payload)))
      }
      return isOver
    })
    assert.deepEqual(
      (await all).map(({ status }) => status),
      Array(7).fill(200),
    )
    assert.equal(atOnce, 2)
  },
)
