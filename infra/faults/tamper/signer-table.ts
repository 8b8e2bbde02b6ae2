import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCheckpoint } from '../../../clients/typescript/src/checkpoint.ts'
import { rootsAt } from '../facts.ts'
import { verifyOffline } from '../offline.ts'
import { asOwner } from '../server.ts'
import { append } from './log-table.ts'
import { type Place, rehash, restoreSubtrees } from './sql.ts'
import { auditInstance, breakIt, type Copy, copyVictim, type Victim } from './victim.ts'

/**
 * What somebody can do who has the signing key too: break the log, write a state that fits, and have it signed.
 * Whoever kept a checkpoint from before finds it out.
 */
export interface SignerRow {
  name: string
  sql: (at: Place) => string
  /** The size that the state then names, with the root that the broken log has there. */
  stateSize: (at: Place) => number
  /** Signed with another key under the same name, because the attacker does not have that one. */
  isOtherKey?: boolean
  /** The entry that both verifiers name, given the checkpoints that were kept. */
  named: (at: Place) => number
  /** What they say who pinned the key and kept no checkpoint. */
  withoutCheckpoints: 'verified' | 'not_verified'
}

const rewrite = (at: Place) =>
  `UPDATE audit_log SET subject = 'x' WHERE id = ${at.id}; ${rehash(at.id)} ${restoreSubtrees(at.id)}`
const cut = (at: Place) => `DELETE FROM audit_log WHERE id >= ${at.id}; ${restoreSubtrees(at.id)}`

export const SIGNER_ROWS: readonly SignerRow[] = [
  {
    name: 'the log rewritten from here, and the state with it',
    sql: rewrite,
    stateSize: ({ size }) => size,
    named: (at) => at.afterCheckpoint,
    withoutCheckpoints: 'verified',
  },
  {
    name: 'the log rewritten from here, and the state as if nothing had been signed',
    sql: rewrite,
    stateSize: () => 0,
    named: (at) => at.afterCheckpoint,
    withoutCheckpoints: 'verified',
  },
  {
    name: 'the end deleted, and the state put back',
    sql: cut,
    stateSize: (at) => at.id - 1,
    named: (at) => at.id,
    withoutCheckpoints: 'verified',
  },
  {
    name: 'the end deleted, others appended, and the state put back',
    sql: (at) => `${cut(at)} ${append(at.size)}`,
    stateSize: (at) => at.id - 1,
    named: (at) => at.afterCheckpoint,
    withoutCheckpoints: 'verified',
  },
  {
    name: 'the log rewritten from here and signed with another key of the same name',
    sql: rewrite,
    stateSize: ({ size }) => size,
    isOtherKey: true,
    named: (at) => at.afterCheckpoint,
    withoutCheckpoints: 'not_verified',
  },
]

/** Does it to a copy of the victim. Returns what is other than the row says, in words. */
export async function runSignerRow(
  victim: Victim,
  row: SignerRow,
  place: Place,
  name: string,
): Promise<string[]> {
  const copy = await copyVictim(victim, name)
  await breakIt(copy, row.sql(place))
  await forgeState(victim, copy, row.stateSize(place))
  if (row.isOtherKey) {
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(copy.signer.keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  }
  const audit = auditInstance(copy.auditUrl, copy.signer)
  try {
    const file = join(copy.folder, 'export.ndjson')
    writeFileSync(file, (await audit.get('/export?fmt=ndjson')).text)
    const key = victim.verifierKey
    const kept = await verifyOffline(file, { key, checkpoints: victim.notes })
    const pinned = await verifyOffline(file, { key, checkpoints: null })
    const wrong: string[] = []
    if (kept.result !== 'not_verified' || kept.first_bad_id !== row.named(place)) {
      const said = `${kept.result}, entry ${kept.first_bad_id} (${kept.reason})`
      wrong.push(`with checkpoints: ${said} instead of entry ${row.named(place)}`)
    }
    if (pinned.result !== row.withoutCheckpoints) {
      wrong.push(`without checkpoints: ${pinned.result} instead of ${row.withoutCheckpoints}`)
    }
    return wrong
  } finally {
    await audit.close()
    await copy.drop()
  }
}

async function forgeState({ lastNote }: Victim, copy: Copy, size: number): Promise<void> {
  const hashes = await asOwner(copy.ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ entry_hash: string }>(
      "SELECT encode(entry_hash, 'hex') AS entry_hash FROM audit_log ORDER BY id",
    )
    return rows.map(({ entry_hash }) => entry_hash)
  })
  const root = Buffer.from(rootsAt(hashes, [size]).get(size) as string, 'hex').toString('base64')
  const { origin } = readCheckpoint(lastNote)
  writeFileSync(copy.signer.stateFile, `${JSON.stringify({ origin, size, root })}\n`)
}
