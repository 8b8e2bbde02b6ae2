import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCampaign } from '../faults/campaign.ts'
import { campaignFindings } from '../faults/campaign-findings.ts'
import { lockDrill, stopDrill } from '../faults/drills.ts'
import { type Fault, kill, killPostgres, stop } from '../faults/faults.ts'
import { allHold, type Finding, tableOf } from '../faults/findings.ts'
import { Random } from '../faults/random.ts'
import { asOwner } from '../faults/server.ts'
import { sessionFindings, terminateSessions } from '../faults/sessions.ts'
import { startWorld, type World } from '../faults/world.ts'
import { checkLog } from '../test-support/check-log.ts'
import { fillLog } from '../test-support/fill-log.ts'

// Short runs of what `npm run faults` does at length.
const random = new Random('faults')
const sessions = terminateSessions(random)
let folder: string
let world: World
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'governance-faults-'))
  world = await startWorld({ folder, hasGate: true })
})
after(async () => {
  await world.stop()
  rmSync(folder, { recursive: true })
})

const assertHolds = (findings: Finding[]) =>
  assert.ok(allHold(findings), tableOf(findings).join('\n'))

for (const [what, faults, acknowledged] of [
  [
    'SIGKILL of each service and of PostgreSQL under load breaks no invariant',
    [kill('mcp-audit'), kill('mcp-gateway'), kill('mcp-policy'), kill('mcp-lineage'), killPostgres],
    200,
  ],
  [
    'SIGTERM lets requests under way finish and ends with 0',
    [stop('mcp-audit'), stop('mcp-gateway'), stop('mcp-policy'), stop('mcp-lineage')],
    200,
  ],
  ['sessions that are ended by the server break no invariant', [sessions.fault], 20],
] as const) {
  test(what, async () => {
    const times = faults.length === 1 ? 9 : 1
    const result = await runCampaign(world, {
      folder,
      clients: 64,
      faults: faults.map((fault: Fault) => [fault, times] as const),
      between: { acknowledged, ms: 0 },
      random,
      say: () => {},
    })
    assert.equal(result.strikes.length, faults.length * times)
    assertHolds(campaignFindings(result, false))
  })
}

test('of the sessions that were ended each sort was met, and no strike ended none', () => {
  assertHolds(sessionFindings(sessions, true))
  assert.deepEqual(
    [...sessions.ends.values()].map(({ asked }) => asked),
    [3, 3, 3],
  )
})

const DRILL = { clients: 32, ms: { before: 0, trouble: 500, after: 0 }, isTimed: false, random }

test('without a database writes are 503 with Retry-After, readiness says so, and no service ends', async () => {
  const pids = world.audits.map((audit) => audit.pid())
  assertHolds(await stopDrill(world, { ...DRILL, folder }))
  assert.deepEqual(
    world.audits.map((audit) => audit.pid()),
    pids,
  )
})

test('while somebody holds the table of the log, writes are 503, and go on after', async () => {
  // Longer than writers wait for it.
  const ms = { ...DRILL.ms, trouble: 2_500 }
  assertHolds(await lockDrill(world, { ...DRILL, ms, folder }))
})

test('SIGTERM lets an export finish that a slow reader is reading, and then ends at once', async () => {
  await asOwner(world.server.ownerUrl, (owner) => fillLog(owner, 10_000))
  const [audit] = world.audits
  const answer = await fetch(`${audit?.url}/export?fmt=ndjson`)
  const ended = audit?.end('SIGTERM')
  let text = ''
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString('latin1')
    await sleep(1)
  }
  assert.equal(JSON.parse(text.trimEnd().split('\n').at(-1) as string).trailer, true)
  assert.equal(await ended, 0)
  assert.ok((await checkLog(world.server.ownerUrl)) >= 10_000)
})
