import { readFileSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fillLog } from '../test-support/fill-log.ts'
import { saveExport } from './campaign.ts'
import type { Finding } from './findings.ts'
import { judge } from './offline.ts'
import { asOwner } from './server.ts'
import type { World } from './world.ts'

/** Checkpoints that are taken while the log grows. */
const CHECKPOINTS = 10

/** A large log in which nothing is wrong, with some entries erased: nobody raises an alarm. */
export async function cleanDrill(
  world: World,
  folder: string,
  entries: number,
  say: (line: string) => void,
): Promise<Finding[]> {
  const audit = world.audits[0]?.url as string
  const notes: string[] = []
  await asOwner(world.server.ownerUrl, async (owner) => {
    for (let n = 1; n <= CHECKPOINTS; n++) {
      await fillLog(owner, Math.floor((entries * n) / CHECKPOINTS))
      notes.push(await textOf(fetch(`${audit}/checkpoint`)))
      await textOf(
        fetch(`${audit}/events/${n}/erase`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ reason: 'r', legal_basis: 'l' }),
        }),
      )
      say(`${n * 10} % of ${entries} entries`)
    }
  })
  const file = join(folder, 'export.ndjson')
  const noteFile = join(folder, 'notes.txt')
  writeFileSync(noteFile, notes.join('\n'))
  await saveExport(audit, file)
  const { size } = await stat(file)
  say(`verifying ${Math.round(size / 1_048_576)} MiB`)
  const findings: Finding[] = [await askService(audit), await askDatabase(world)]
  for (const program of ['typescript', 'python'] as const) {
    const start = performance.now()
    const verdict = await judge(program, file, { key: world.verifierKey, checkpoints: noteFile })
    const seconds = (performance.now() - start) / 1_000
    findings.push({
      what: `${program}: a clean export with ${CHECKPOINTS} checkpoints`,
      figure: `${verdict.result}, ${verdict.entries} entries in ${seconds.toFixed(1)} s`,
      holds: verdict.result === 'verified' && verdict.entries >= entries,
    })
  }
  return findings
}

/** GET /verify in steps, to the end. */
async function askService(audit: string): Promise<Finding> {
  const start = performance.now()
  let entries = 0
  let found = { ok: true, entries: 0, next_from_id: 1 as number | null }
  while (found.ok && found.next_from_id !== null) {
    const step = `${audit}/verify?limit=100000&from_id=${found.next_from_id}`
    found = JSON.parse(await textOf(fetch(step)))
    entries += found.entries
  }
  return told('GET /verify', found.ok, entries, start)
}

async function askDatabase({ server }: World): Promise<Finding> {
  const start = performance.now()
  const { ok, entries } = await asOwner(server.ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ json_build_object: { ok: boolean; entries: number } }>(
      readFileSync(join(import.meta.dirname, '..', 'verify-log.sql'), 'utf8'),
    )
    return rows[0]?.json_build_object ?? { ok: false, entries: 0 }
  })
  return told('verify-log.sql', ok, entries, start)
}

function told(who: string, ok: boolean, entries: number, start: number): Finding {
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  const figure = `${ok ? 'right' : 'not right'}, ${entries} entries in ${seconds} s`
  return { what: `${who}: the log itself`, figure, holds: ok }
}

async function textOf(asked: Promise<Response>): Promise<string> {
  const answer = await asked
  const text = await answer.text()
  if (!answer.ok) throw new Error(`mcp-audit answered ${answer.status}: ${text}`)
  return text
}
