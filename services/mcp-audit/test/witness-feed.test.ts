import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '@ai-governance/common/database/database'
import { Signer } from '../src/signer/signer.ts'
import { Prover } from '../src/tree/prover.ts'
import { TreeStore } from '../src/tree-store.ts'
import { WitnessFeed } from '../src/witness/feed.ts'
import { Witnessed } from '../src/witness/witnessed.ts'
import { WitnessStore } from '../src/witness-store.ts'
import { EVENT, startService } from './service.ts'
import { makeWitness } from './witness-key.ts'

type Behave = (body: string, response: ServerResponse, request: IncomingMessage) => void

/** A log of three entries that is shown, at a quick pace, to a witness that answers as told. */
async function show(
  t: TestContext,
  witness: ReturnType<typeof makeWitness>,
  behave: Behave,
  late = 1_000_000,
) {
  const service = await startService()
  for (let n = 0; n < 3; n++) await service.log(EVENT)
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push(body)
    behave(body, response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/add-checkpoint`)
  const database = new Database({
    ...{ url: service.database.auditUrl, passwordFile: undefined },
    ...{ applicationName: 'test', onError: () => {} },
  })
  const store = new WitnessStore(database)
  const trees = new TreeStore(database)
  const prover = new Prover(trees)
  const signer = new Signer(trees, prover, { ...service.signer, origin: undefined })
  const logged: { level: string; message: string; reason?: string }[] = []
  const write = (level: string) => (fields: object, message: string) => {
    logged.push({ level, message, ...fields })
  }
  const log = { info: write('info'), warn: write('warn') }
  const parts = { signer, prover, store, log }
  const times = { every: 20, maxRest: 40, late, call: 300 }
  const feed = new WitnessFeed([{ key: witness.key, url }], parts, times)
  t.after(async () => {
    await feed.stop()
    await signer.drained()
    await database.close()
    server.closeAllConnections()
    server.close()
    await service.stop()
  })
  const { origin } = await signer.checkpoint()
  const kept = async () => (await store.newestSizes(origin, [witness.vkey])).get(witness.vkey)
  const until = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo())) await sleep(5)
  }
  return { ...service, asked, logged, kept, until, feed, store, origin, ours: signer }
}

const now = () => Math.floor(Date.now() / 1000)
const textOf = (body: string) => {
  const note = body.slice(body.indexOf('\n\n') + 2)
  return note.slice(0, note.indexOf('\n\n') + 1)
}
const say = (response: ServerResponse, status: number, text: string, type = 'text/plain') =>
  response.writeHead(status, { 'content-type': type }).end(text)

test('each checkpoint is shown once, from the size that was cosigned before', async (t) => {
  const witness = makeWitness()
  const { asked, kept, until, log, logged } = await show(t, witness, (body, response) =>
    say(response, 200, witness.line(textOf(body), now())),
  )
  await until(async () => (await kept()) === 3)
  await log(EVENT)
  await until(async () => (await kept()) === 4)
  // Idle for several rounds.
  await sleep(200)
  const olds = asked.map((body) => body.split('\n', 1)[0])
  assert.deepEqual([olds, logged], [['old 0', 'old 3'], []])
})

test('a witness that knows the log already says from where to go on', async (t) => {
  const witness = makeWitness()
  const { asked, kept, until } = await show(t, witness, (body, response) => {
    if (body.startsWith('old 2\n')) say(response, 200, witness.line(textOf(body), now()))
    else say(response, 409, '2\n', 'text/x.tlog.size')
  })
  await until(async () => (await kept()) === 3)
  assert.deepEqual(
    asked.map((body) => body.split('\n', 1)[0]),
    ['old 0', 'old 2'],
  )
})

const foreign = makeWitness()
for (const [what, level, reason, behave] of [
  ['refuses', 'warn', /does not know this log/, (_, response) => say(response, 404, 'no\n')],
  ['has cosigned a fork', 'warn', /has forked/, (_, response) => say(response, 409, 'no\n')],
  ['finds no continuation', 'warn', /does not continue/, (_, response) => say(response, 422, '')],
  [
    'says a size that is none',
    'warn',
    /does not say where it is/,
    (_, response) => say(response, 409, '-1\n', 'text/x.tlog.size'),
  ],
  [
    'never agrees on a size',
    'info',
    /does not say where it is/,
    (body, response) =>
      say(response, 409, body.startsWith('old 1\n') ? '2\n' : '1\n', 'text/x.tlog.size'),
  ],
  [
    'has cosigned more than there is',
    'info',
    /has cosigned 9 entries, which is more/,
    (_, response) => say(response, 409, '9\n', 'text/x.tlog.size'),
  ],
  [
    'signs with another key',
    'warn',
    /no cosignature of its key/,
    (body, response) => say(response, 200, foreign.line(textOf(body), now())),
  ],
  ['answers with nonsense', 'warn', /no cosignature/, (_, response) => say(response, 200, '{}')],
  [
    'sends elsewhere',
    'warn',
    /status 307/,
    (_, response, request) =>
      response.writeHead(307, { location: `http://${request.headers.host}/other` }).end(),
  ],
  ['answers without end', 'info', /./, (_, response) => void endless(response)],
  ['never answers', 'info', /./, () => {}],
  ['hangs up', 'info', /./, (_, response) => response.destroy()],
] as const satisfies readonly (readonly [string, string, RegExp, Behave])[]) {
  test(`nothing is kept of a witness that ${what}, and the next try is made`, async (t) => {
    const { asked, logged, kept, until, log } = await show(t, makeWitness(), behave)
    await until(() => logged.length >= 2)
    // Appends go on meanwhile.
    assert.equal((await log(EVENT)).statusCode, 200)
    assert.deepEqual([await kept(), logged[0]?.level], [undefined, level])
    assert.match(logged[0]?.reason ?? '', reason)
    assert.ok(asked.every((body) => body.startsWith('old ')))
  })
}

/** More than anybody should read, for as long as somebody does. */
async function endless(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain' })
  while (!response.destroyed) {
    response.write('x'.repeat(16_384))
    await sleep(1)
  }
}

test('a witness that has not cosigned for long is reported', async (t) => {
  const hangUp: Behave = (_, response) => response.destroy()
  const { logged, until } = await show(t, makeWitness(), hangUp, 0)
  await until(() => logged.length >= 2)
  assert.deepEqual(
    logged.slice(0, 2).map(({ level, message }) => [level, message]),
    Array(2).fill(['warn', 'a witness has not cosigned']),
  )
})

test('where nothing can be signed it is told once, and later goes on', async (t) => {
  const witness = makeWitness()
  const { signer, log, logged, kept, until } = await show(t, witness, (body, response) =>
    say(response, 200, witness.line(textOf(body), now())),
  )
  await until(async () => (await kept()) === 3)
  const state = readFileSync(signer.stateFile)
  rmSync(signer.stateFile)
  await log(EVENT)
  await until(() => logged.length > 0)
  // Several rounds more.
  await sleep(200)
  assert.deepEqual(
    logged.map(({ level, message }) => [level, message]),
    [['warn', 'there is no checkpoint for the witnesses']],
  )
  writeFileSync(signer.stateFile, state)
  await until(async () => (await kept()) === 4)
})

test('a stop waits for no witness', async (t) => {
  const { asked, until, feed } = await show(t, makeWitness(), () => {})
  await until(() => asked.length > 0)
  await feed.stop()
  const before = asked.length
  await sleep(100)
  assert.equal(asked.length, before)
})

test('a line that does not verify goes into no note', async (t) => {
  const witness = makeWitness()
  const { store, origin, feed, ours: signer } = await show(t, witness, () => {})
  await feed.stop()
  const url = new URL('http://127.0.0.1:1/add-checkpoint')
  const witnessed = new Witnessed(store, signer, [{ key: witness.key, url }])
  const ours = await signer.checkpoint()
  const text = ours.note.slice(0, ours.note.indexOf('\n\n') + 1)
  await store.keep(ours, origin, witness.vkey, '— garbage')
  assert.equal((await witnessed.withLines(ours)).note, ours.note)
  const line = witness.line(text, now()).trimEnd()
  await store.keep({ ...ours, root: Buffer.alloc(32, 1) }, origin, witness.vkey, line)
  const other = { ...ours, root: Buffer.alloc(32, 1) }
  assert.equal((await witnessed.withLines(other)).note, other.note)
})

test('what is kept of a size stays, and what all have cosigned is found', async (t) => {
  const { store, origin, feed, log } = await show(t, makeWitness(), () => {})
  await feed.stop()
  for (let n = 3; n < 9; n++) await log(EVENT)
  const head = (size: number) => ({ size, root: hash('sha256', `root ${size}`, 'buffer') })
  const [a, b] = ['a', 'b']
  const keep = (size: number, witness: string, of = origin) =>
    store.keep(head(size), of, witness, `— ${witness} ${size}`)
  for (const size of [1, 2, 3, 5]) await keep(size, a)
  for (const size of [2, 3, 4]) await keep(size, b)
  await keep(9, b, 'another origin')
  await store.keep(head(3), origin, a, '— a once more')
  await assert.rejects(keep(10, a), /less than 10 entries/)
  await store.keep({ ...head(3), root: head(4).root }, origin, b, '— b of another head')
  assert.deepEqual(await store.linesOn(head(3), origin, [b, a]), ['— b 3', '— a 3'])
  assert.deepEqual(await store.linesOn({ ...head(3), root: head(4).root }, origin, [a]), [])
  assert.deepEqual(await store.newestOfAll(origin, [a, b]), head(3))
  assert.deepEqual(await store.newestOfAll(origin, [a]), head(5))
  assert.equal(await store.newestOfAll(origin, [a, b, 'c']), null)
  assert.deepEqual(
    await store.newestSizes(origin, [a, b, 'c']),
    new Map([
      [a, 5],
      [b, 4],
    ]),
  )
})
