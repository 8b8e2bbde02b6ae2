import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyOffline } from '../offline.ts'
import { asOwner } from '../server.ts'
import { askSigner } from './ask.ts'
import type { Row } from './log-table.ts'
import type { Place } from './sql.ts'
import { auditInstance, breakIt, copyVictim, type Instance, type Victim } from './victim.ts'

const verifyLog = readFileSync(join(import.meta.dirname, '..', '..', 'verify-log.sql'), 'utf8')

/** Breaks a copy of the victim and asks everybody. Returns what is other than the row says, in words. */
export async function runLogRow(
  victim: Victim,
  row: Row,
  place: Place,
  name: string,
): Promise<string[]> {
  const copy = await copyVictim(victim, name)
  const running = auditInstance(copy.auditUrl, copy.signer)
  let fresh: Instance | null = null
  try {
    // It has the whole tree in memory now, as a service has that has been running for a while.
    await running.get('/checkpoint')
    await breakIt(copy, row.sql(place))
    fresh = auditInstance(copy.auditUrl, copy.signer)
    const wrong: string[] = []
    for (const [who, instance] of [
      ['running', running],
      ['fresh', fresh],
    ] as const) {
      for (const what of await askSigner(instance, victim, row.isRefused))
        wrong.push(`${who}: ${what}`)
    }
    wrong.push(...(await askVerifiers(victim, copy.folder, row, place, [running, fresh])))
    wrong.push(...(await askInside(fresh, copy.ownerUrl, row, place)))
    return wrong
  } finally {
    await running.close()
    await fresh?.close()
    await copy.drop()
  }
}

/** Both offline verifiers, over what each instance exports. */
async function askVerifiers(
  victim: Victim,
  folder: string,
  { named, result = 'not_verified' }: Row,
  place: Place,
  instances: readonly Instance[],
): Promise<string[]> {
  const exports = new Set<string>()
  for (const instance of instances) exports.add((await instance.get('/export?fmt=ndjson')).text)
  const wrong: string[] = []
  for (const text of exports) {
    const file = join(folder, 'export.ndjson')
    writeFileSync(file, text)
    const evidence = { key: victim.verifierKey, checkpoints: victim.notes }
    const verdict = await verifyOffline(file, evidence)
    const expected = [result, named(place).offline]
    if (verdict.result !== expected[0] || verdict.first_bad_id !== expected[1]) {
      const said = `${verdict.result}, entry ${verdict.first_bad_id} (${verdict.reason})`
      wrong.push(`both verifiers: ${said} instead of ${expected.join(', entry ')}`)
    }
  }
  return wrong
}

/** The two who verify inside: the service and the database. */
async function askInside(fresh: Instance, ownerUrl: string, { named }: Row, place: Place) {
  const { service, sql } = named(place)
  const wrong: string[] = []
  const answer = await fresh.get('/verify?limit=500000')
  const found = JSON.parse(answer.text)
  if (answer.status !== 200 || found.first_bad_id !== service || found.ok !== (service === null)) {
    wrong.push(
      `GET /verify: ${found.first_bad_id} (${found.reason ?? answer.text}) instead of ${service}`,
    )
  }
  const verdict = await asOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ json_build_object: typeof found }>(verifyLog)
    return rows[0]?.json_build_object
  })
  if (verdict.first_bad_id !== sql || verdict.ok !== (sql === null)) {
    wrong.push(`verify-log.sql: ${verdict.first_bad_id} (${verdict.reason}) instead of ${sql}`)
  }
  return wrong
}
