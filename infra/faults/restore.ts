import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { saveExport } from './campaign.ts'
import type { Finding } from './findings.ts'
import { type OfflineVerdict, verifyOffline } from './offline.ts'
import { inWorld, type Setting } from './scenarios.ts'
import { until } from './wait.ts'
import type { World } from './world.ts'

/**
 * A backup is taken, the log goes on, and the backup comes back: the restored log is whole, and neither the signer nor
 * a checkpoint that was kept takes it for the log that it was. `entries` are written before the backup and again after.
 */
export function restoreScenario(
  setting: Setting,
  { entries }: { entries: number },
): Promise<Finding[]> {
  return inWorld(setting, {}, (world) => drill(world, setting, entries))
}

async function drill(world: World, { folder, say }: Setting, entries: number): Promise<Finding[]> {
  const audit = world.audits[0]?.url as string
  const [backup, later] = [join(folder, 'backup'), join(folder, 'later')]
  const { dataDir } = world.server
  const swap = (kept: string, restored: string) => () => {
    renameSync(dataDir, join(folder, kept))
    copy(restored, dataDir)
  }
  await append(audit, entries)
  const first = await noteOf(audit)
  say('back up')
  await atRest(world, () => copy(dataDir, backup))
  say('restore it, with nothing in between')
  await atRest(world, swap('lost', backup))
  const restored = await ask(world, folder, `${first}\n${await noteOf(audit)}`)
  await append(audit, entries)
  const second = await noteOf(audit)
  say('restore it, to which the log has gone on')
  await atRest(world, swap('later', backup))
  const older = await ask(world, folder, second)
  const refused = await fetch(`${audit}/checkpoint`)
  const { code } = JSON.parse(await refused.text())
  say('put the newer one back')
  await atRest(world, swap('older', later))
  const newer = await ask(world, folder, `${second}\n${await noteOf(audit)}`)
  return [
    judge('a restored log', restored, entries),
    {
      what: 'an older log: GET /verify, and both verifiers with a checkpoint from after the backup',
      figure: `${older.inside}; ${older.result}, ${older.reason}`,
      holds: older.inside !== 'right' && older.result === 'not_verified',
    },
    {
      what: 'a checkpoint of the older log',
      figure: `${refused.status} ${code}`,
      holds: refused.status === 503 && code === 'signer_refused',
      isHeadline: true,
    },
    judge('the newer log again', newer, 2 * entries),
  ]
}

/** What the service says of its log, and what both verifiers say. */
interface Said extends OfflineVerdict {
  inside: string
}

function judge(what: string, { inside, result, entries }: Said, least: number): Finding {
  return {
    what: `${what}: GET /verify, both verifiers with all checkpoints`,
    figure: `${inside}, ${result}, ${entries} entries`,
    holds: inside === 'right' && result === 'verified' && entries >= least,
    invariants: ['I1', 'I2'],
    isHeadline: true,
  }
}

/** Stops PostgreSQL for `work`, and waits until mcp-audit has it again. */
async function atRest({ server, audits }: World, work: () => void): Promise<void> {
  await server.stop()
  work()
  await server.start()
  const ready = `${audits[0]?.url}/readyz`
  await until('200 of /readyz', async () => (await fetch(ready)).status === 200)
}

/** With owners and modes, which PostgreSQL insists on. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

async function append(audit: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await textOf(`${audit}/log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        event_type: 'restore.test',
        subject: 's',
        decision: true,
        details: { n },
      }),
    })
  }
}

const noteOf = (audit: string) => textOf(`${audit}/checkpoint`)

async function textOf(url: string, init?: RequestInit): Promise<string> {
  const answer = await fetch(url, init)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}: ${text}`)
  return text
}

async function ask(world: World, folder: string, notes: string): Promise<Said> {
  const audit = world.audits[0]?.url as string
  const [file, checkpoints] = [join(folder, 'export.ndjson'), join(folder, 'notes.txt')]
  const { ok, reason } = JSON.parse(await textOf(`${audit}/verify?limit=100000`))
  await saveExport(audit, file)
  writeFileSync(checkpoints, notes)
  const said = await verifyOffline(file, { key: world.verifierKey, checkpoints })
  return { ...said, inside: ok ? 'right' : String(reason) }
}
