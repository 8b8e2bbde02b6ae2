import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCheckpoint } from '../../clients/typescript/src/checkpoint.ts'
import { makeWitness, startWitness } from '../../clients/typescript/test/witness-log.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import {
  append,
  asOwner,
  get,
  hasCosigned,
  logged,
  startWitnessedLog,
  verify,
  type Watcher,
  witnessed,
} from '../test-support/witnessed-log.ts'

test('a log is cosigned by its witnesses, and its exports and proofs show it', async (t) => {
  const { folder, verifierKey, watchers, audits } = await startWitnessedLog(t)
  const [audit] = audits as [ServiceProcess]
  const required = watchers.map(({ key }) => key)
  assert.equal((await get(audit, '/export?fmt=ndjson&witnessed=true')).status, 503)
  await append(audit, 5)
  const note = await witnessed(audit, 5)
  for (const watcher of watchers) assert.ok(hasCosigned(note, watcher))
  // The newest is this one, so it has their lines without being asked for.
  assert.equal((await get(audit, '/checkpoint')).text, note)
  await append(audit, 7)
  for (const query of ['', '&to_id=3', '&from_id=2', '&from_id=2&to_id=4']) {
    const { status, text } = await get(audit, `/export?fmt=ndjson&witnessed=true${query}`)
    assert.equal(status, 200)
    assert.equal(await verify(folder, text, verifierKey, required), 0)
  }
  const { text } = await get(audit, '/export?fmt=ndjson&witnessed=true')
  const stranger = join(folder, 'stranger')
  mkdirSync(stranger)
  await makeWitness(stranger, 'witness.example/w1')
  const other = readFileSync(join(stranger, 'witness-state/witness.vkey'), 'utf8').trim()
  assert.equal(await verify(folder, text, verifierKey, [...required, other]), 4)
  const { checkpoint } = JSON.parse((await get(audit, '/proof/inclusion?id=2&size=5')).text)
  for (const watcher of watchers) assert.ok(hasCosigned(checkpoint, watcher))
  // An export of the whole log is not kept waiting for witnesses.
  await append(audit, 1)
  const whole = (await get(audit, '/export?fmt=ndjson')).text
  assert.equal(await verify(folder, whole, verifierKey, []), 0)
  assert.equal(readCheckpoint(await witnessed(audit, 13)).size, 13)
})

test('a witness that is away holds up nothing, and goes on where it was', async (t) => {
  const { folder, verifierKey, watchers, audits } = await startWitnessedLog(t)
  const [audit] = audits as [ServiceProcess]
  const [stays, leaves] = watchers as [Watcher, Watcher]
  await append(audit, 5)
  await witnessed(audit, 5)
  await leaves.process.end('SIGKILL')
  await append(audit, 5)
  while (!hasCosigned((await get(audit, '/checkpoint')).text, stays)) await sleep(200)
  // What all have cosigned is still the one before, and an export of it still stands.
  assert.equal(readCheckpoint(await witnessed(audit, 5)).size, 5)
  const { text } = await get(audit, '/export?fmt=ndjson&witnessed=true')
  const required = watchers.map(({ key }) => key)
  assert.equal(await verify(folder, text, verifierKey, required), 0)
  const { host } = new URL(leaves.process.url)
  leaves.process = await startWitness(t, leaves.folder, [verifierKey], host)
  await witnessed(audit, 10)
  await logged(audit, /"witness":"witness.example\/w2".*"msg":"a witness has not cosigned"/)
  await logged(audit, /"witness":"witness.example\/w2".*"msg":"a witness is back"/)
})

test('two replicas are witnessed as one log, also where they are killed and started again', async (t) => {
  const { database, watchers, audits } = await startWitnessedLog(t, { replicas: 2 })
  const [one, other] = audits as [ServiceProcess, ServiceProcess]
  let size = 0
  for (let round = 0; round < 2; round++) {
    await Promise.all([append(one, 20), append(other, 20)])
    size += 40
    await witnessed(round % 2 === 0 ? other : one, size)
    await one.end('SIGKILL')
    await append(other, 3)
    await one.start()
    size += 3
  }
  const note = await witnessed(one, size)
  assert.equal(await witnessed(other, size), note)
  // No witness ever saw anything but one log that grows.
  const alarms = watchers.flatMap(({ process }) => process.log()).filter((l) => l.level === 'error')
  assert.deepEqual(alarms, [])
  assert.deepEqual(
    watchers.flatMap(({ folder }) => readdirSync(join(folder, 'witness-state'))).length,
    4,
  )
  const rows = await asOwner(
    database,
    'SELECT witness, count(*)::int FROM audit_cosignatures GROUP BY 1',
  )
  assert.ok(rows.length === 2 && rows.every(({ count }) => count >= 2))
})

test('a list of witnesses that cannot be used is told at the start', async (t) => {
  const { folder, audit } = await startWitnessedLog(t, { replicas: 0, witnesses: 0 })
  writeFileSync(join(folder, 'witnesses.txt'), 'nonsense http://127.0.0.1\n')
  await assert.rejects(audit('wrong'), /AUDIT_WITNESSES_PATH, line 1: it must begin with/)
})

test('a log without witnesses says so where a witnessed checkpoint is asked for', async (t) => {
  const { audits } = await startWitnessedLog(t, { witnesses: 0 })
  const [audit] = audits as [ServiceProcess]
  await append(audit, 1)
  for (const path of ['/checkpoint?witnessed=true', '/export?witnessed=true']) {
    const { status, text } = await get(audit, path)
    assert.deepEqual([status, JSON.parse(text).code], [404, 'not_found'])
  }
  assert.equal((await get(audit, '/checkpoint?witnessed=yes')).status, 400)
})
