import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuditKey } from '../../../clients/typescript/src/audit-key.ts'
import type { ServiceProcess } from '../../test-support/service-process.ts'
import { readFacts } from '../facts.ts'
import type { Finding } from '../findings.ts'
import { violations } from '../invariants.ts'
import type { History } from '../load/history.ts'
import { identityOf, startLoad } from '../load/load.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'
import {
  append,
  checkpoint,
  judgeExport,
  saidOf,
  sizeOf,
  startAudit,
  worded,
} from './audit-calls.ts'
import type { Pair } from './pair.ts'

export interface LostCounts {
  clients: number
  /** The least number of requests that are acknowledged while the standby gets nothing. */
  lost: number
  random: Random
}

/**
 * An asynchronous standby falls behind, the primary dies, and the standby is promoted all the same: entries that were
 * acknowledged are not there. Who says so, and how it goes on. Ends with a new origin.
 */
export async function lostDrill(
  world: World,
  pair: Pair,
  folder: string,
  counts: LostCounts,
): Promise<Finding[]> {
  const audit = world.audits[0] as ServiceProcess
  await pair.setSynchronous(false)
  const { history, notes } = await loseEntries(world, pair, folder, counts)
  await pair.promote()
  const key = world.verifierKey
  const facts = await readFacts(pair.ownerUrl)
  const size = facts.hashes.length
  const lost = violations(history, facts, { at: [] }).find(({ invariant }) => invariant === 'I1')
  const note = await checkpoint(audit)
  const cut = await judgeExport(audit, folder, { key, notes })
  const appended = await append(audit)
  for (let n = size + 1; n < sizeOf(notes[1]) + 5; n++) await append(audit)
  const grown = await judgeExport(audit, folder, { key, notes })
  const names = (verdict: { result: string; first_bad_id: number | null }, id: number) =>
    verdict.result === 'not_verified' && verdict.first_bad_id === id
  return [
    {
      what: 'an asynchronous standby promoted while it is behind: I1 does not hold',
      figure: lost ? `${lost.what} (and ${lost.times - 1} more)` : 'it does',
      holds: lost !== undefined,
    },
    { what: '  its chain', figure: facts.chainFault ?? 'whole', holds: facts.chainFault === null },
    { what: '  the signer', figure: worded(note), holds: note.code === 'signer_refused' },
    {
      what: '  both verifiers, with the checkpoints that were kept',
      figure: saidOf(cut),
      holds: names(cut, size + 1),
    },
    { what: '  an append goes on', figure: worded(appended), holds: appended.status === 200 },
    {
      what: '  both verifiers, once it is longer than what was signed',
      figure: saidOf(grown),
      holds: names(grown, sizeOf(notes[0]) + 1),
    },
    ...(await formerLog(world, pair, folder, notes)),
    ...(await newOrigin(world, folder)),
  ]
}

/** Two checkpoints: of what the standby has, and of what only the primary had when it died under load. */
async function loseEntries(
  world: World,
  pair: Pair,
  folder: string,
  { clients, lost, random }: LostCounts,
): Promise<{ history: History; notes: readonly [string, string] }> {
  const audit = world.audits[0] as ServiceProcess
  const load = startLoad({
    ...identityOf(random),
    targets: world.targets,
    focus: null,
    clients,
    historyFile: join(folder, 'lost-history.ndjson'),
    appends: null,
    retries: 0,
    // What is in doubt when the primary dies stays so: the load ends before there is another.
    patienceMs: 100,
  })
  try {
    await load.acknowledges(lost)
    const held = await checkpoint(audit)
    await load.acknowledges(lost)
    await pair.part()
    await load.acknowledges(lost)
    const note = await checkpoint(audit)
    await pair.kill()
    return { history: await load.end(), notes: [held.text, note.text] }
  } finally {
    load.kill()
  }
}

/** What is missing is in the folder of the former primary, and the checkpoints say that it is the true log. */
async function formerLog(
  world: World,
  pair: Pair,
  folder: string,
  notes: readonly string[],
): Promise<Finding[]> {
  await pair.standby.start()
  const audit = await startAudit(folder, 'former', pair.standby.auditUrl, world.signer)
  try {
    const verdict = await judgeExport(audit, folder, { key: world.verifierKey, notes })
    return [
      {
        what: '  the former primary, started again for an export: both verifiers',
        figure: `${saidOf(verdict)}, ${verdict.entries} entries`,
        holds: verdict.result === 'verified',
      },
    ]
  } finally {
    await audit.end('SIGTERM')
  }
}

/** docs/OPERATIONS.md, "New origin". */
async function newOrigin(world: World, folder: string): Promise<Finding[]> {
  const audit = world.audits[0] as ServiceProcess
  await audit.end('SIGTERM')
  for (const file of Object.values(world.signer)) renameSync(file, `${file}-until`)
  const { verifierKey } = await makeAuditKey({ ...world.signer, origin: 'faults.example/audit-2' })
  await audit.start()
  const note = await checkpoint(audit)
  const verdict = await judgeExport(audit, folder, { key: verifierKey, notes: [note.text] })
  return [
    {
      what: '  a new origin begun: both verifiers, with its first checkpoint',
      figure: saidOf(verdict),
      holds: verdict.result === 'verified',
    },
  ]
}
