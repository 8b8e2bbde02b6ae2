import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../test-support/service-process.ts'
import type { Finding } from '../findings.ts'
import { asOwner, type DatabaseServer } from '../server.ts'
import { until } from '../wait.ts'
import type { World } from '../world.ts'
import {
  type Answer,
  append,
  ask,
  checkpoint,
  judgeExport,
  saidOf,
  sizeOf,
  startAudit,
  worded,
} from './audit-calls.ts'
import type { Pair } from './pair.ts'

/**
 * The standby is promoted while the primary lives, and services that were not told go on writing there: what
 * PostgreSQL, the signer and the verifiers do about the two logs. The pair is synchronous before and after.
 */
export async function splitDrill(world: World, pair: Pair, folder: string): Promise<Finding[]> {
  const { signer } = world
  const copied = { keyFile: signer.keyFile, stateFile: join(folder, 'state-copy.json') }
  const before = await checkpoint(world.audits[0] as ServiceProcess)
  copyFileSync(signer.stateFile, copied.stateFile)
  const stale = [
    await startAudit(folder, 'stale-1', pair.primary.auditUrl, signer),
    await startAudit(folder, 'stale-2', pair.primary.auditUrl, copied),
  ] as const
  try {
    await pair.part()
    await pair.promote()
    return [
      ...(await fenced(stale, pair.standby)),
      ...(await forked(world, pair, folder, stale, before.text)),
      ...(await rebuilt(pair, stale[0])),
    ]
  } finally {
    await Promise.all(stale.map((audit) => audit.end('SIGTERM')))
  }
}

/** What protects while the former primary still waits for its standby. */
async function fenced(
  [one, other]: readonly [ServiceProcess, ServiceProcess],
  former: DatabaseServer,
): Promise<Finding[]> {
  const waits = append(one)
  await untilWaiting(former)
  const behind = await append(other)
  const cancelled = await asOwner(former.ownerUrl, async (owner) => {
    await owner.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    )
    return waits
  })
  const says = 'canceling wait for synchronous replication'
  return [
    { what: 'the former primary lives, and services still write to it', figure: '', holds: null },
    refused('  an append behind one that waits for the standby', behind, 'database_busy'),
    refused('  an append whose wait for the standby is cancelled', cancelled, 'outcome_unknown'),
    await logged('  why, in its log', one, says),
  ]
}

/** The worst case: somebody lets the former primary go on alone. Two logs, each of them whole. */
async function forked(
  world: World,
  pair: Pair,
  folder: string,
  [shared, copied]: readonly [ServiceProcess, ServiceProcess],
  before: string,
): Promise<Finding[]> {
  const key = world.verifierKey
  const audit = world.audits[0] as ServiceProcess
  await asOwner(pair.standby.ownerUrl, async (owner) => {
    await owner.query('ALTER SYSTEM RESET synchronous_standby_names')
    await owner.query('SELECT pg_reload_conf()')
  })
  await untilAppended(audit)
  const note = await checkpoint(audit)
  const other = await untilAppended(shared)
  const sharedNote = await checkpoint(shared)
  const copiedNote = await checkpoint(copied)
  const fork = sizeOf(before) + 1
  // So that the new log is longer than what that signer signed.
  for (let n = sizeOf(note.text); n <= sizeOf(copiedNote.text); n++) await append(audit)
  const judged = async (of: ServiceProcess, last: string) =>
    judgeExport(of, folder, { key, notes: [before, last] })
  const formerLog = await judged(shared, note.text)
  const newLog = await judged(audit, copiedNote.text)
  const whole = await judged(audit, note.text)
  const named = ({ first_bad_id }: { first_bad_id: number | null }) => first_bad_id === fork
  return [
    {
      what: '  somebody lets it go on alone: an append',
      figure: worded(other),
      holds: other.status === 200,
    },
    refused('  its signer, with the state that all share', sharedNote, 'signer_refused'),
    {
      what: '  its signer, with a state of its own',
      figure: `${worded(copiedNote)}, ${sizeOf(copiedNote.text)} entries`,
      holds: copiedNote.status === 200,
    },
    {
      what: '  its log, held against a checkpoint of the new primary',
      figure: saidOf(formerLog),
      holds: formerLog.result === 'not_verified' && named(formerLog),
    },
    {
      what: '  the log of the new primary, held against that other checkpoint',
      figure: saidOf(newLog),
      holds: newLog.result === 'not_verified' && named(newLog),
    },
    {
      what: '  the log of the new primary, held against its own checkpoints',
      figure: saidOf(whole),
      holds: whole.result === 'verified',
    },
  ]
}

/** The former primary made anew: who still asks there is told so, and gets nothing of what a standby holds. */
async function rebuilt(pair: Pair, stale: ServiceProcess): Promise<Finding[]> {
  await pair.rebuild()
  await pair.setSynchronous(true)
  // A probe that went well counts for a second.
  const readiness = () => ask(`${stale.url}/readyz`)
  await until('the end of readiness', async () => (await readiness()).status !== 200)
  return [
    { what: 'the former primary as a standby, asked by a service', figure: '', holds: null },
    refused('  readiness', await readiness(), 'not_ready'),
    refused('  an append', await append(stale), 'database_unavailable'),
    refused('  a page of entries', await ask(`${stale.url}/events`), 'database_unavailable'),
    refused('  a checkpoint', await ask(`${stale.url}/checkpoint`), 'database_unavailable'),
    await logged('  why, in its log', stale, 'DATABASE_URL leads to a standby'),
  ]
}

function refused(what: string, answer: Answer, code: string): Finding {
  return { what, figure: worded(answer), holds: answer.status === 503 && answer.code === code }
}

/** Whether a service says this in its log, which it writes with some delay. */
async function logged(what: string, service: ServiceProcess, text: string): Promise<Finding> {
  for (let tries = 1; tries < 100 && !service.log().includes(text); tries++) await sleep(20)
  const holds = service.log().includes(text)
  return { what, figure: holds ? text : 'nothing of it', holds }
}

/** Resolves when a commit waits for a standby. */
async function untilWaiting({ ownerUrl }: DatabaseServer): Promise<void> {
  await asOwner(ownerUrl, async (owner) => {
    await until('a commit that waits', async () => {
      const { rows } = await owner.query(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = 'audit_service'`,
      )
      return rows.length > 0
    })
  })
}

/** Appends until it is acknowledged: after a move the first connections may be lost ones. */
async function untilAppended(audit: ServiceProcess): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await append(audit)
    if (answer.status === 200 || tries === 200) return answer
    await sleep(50)
  }
}
