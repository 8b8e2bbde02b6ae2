import { AssertionError } from 'node:assert'
import { CompactTree, leafHash } from '../../clients/typescript/src/merkle.ts'
import { checkLog } from '../test-support/check-log.ts'
import { asOwner } from './server.ts'

/** What the database holds, read by somebody who shares no code with the services. */
export interface Facts {
  /** `entry_hash` in hex, of entry 1 first. */
  hashes: string[]
  /** The entries under each Idempotency-Key, as their own content tells it. */
  idsByKey: Map<string, number[]>
  /** What is wrong with the chain at the first row that does not fit, or null. */
  chainFault: string | null
  /** Registrations without their entry, or the other way round, in words. */
  unattested: string[]
}

/** Reads every row in order. What a driver recorded holds its key, so entries are counted without any table of keys. */
export async function readFacts(ownerUrl: string): Promise<Facts> {
  const facts: Facts = { hashes: [], idsByKey: new Map(), chainFault: null, unattested: [] }
  const registered = new Set<number>()
  try {
    await checkLog(ownerUrl, ({ id, event_type, details, entry_hash }) => {
      facts.hashes.push(entry_hash)
      if (event_type === 'lineage.registered') registered.add(id)
      const key = details === null ? undefined : JSON.parse(details).key
      if (key !== undefined) addId(facts, key, id)
    })
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    facts.chainFault = error.message.split('\n')[0] as string
  }
  const records = await asOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ id: number; audit_id: number; metadata: string }>(
      'SELECT id::int, audit_id::int, metadata FROM model_lineage ORDER BY id',
    )
    return rows
  })
  for (const { id, audit_id, metadata } of records) {
    addId(facts, JSON.parse(metadata).key, audit_id)
    if (!registered.delete(audit_id)) facts.unattested.push(`record ${id} has no entry`)
  }
  for (const id of registered) facts.unattested.push(`entry ${id} attests no record`)
  return facts
}

function addId({ idsByKey }: Facts, key: string, id: number): void {
  const ids = idsByKey.get(key)
  if (ids) ids.push(id)
  else idsByKey.set(key, [id])
}

/** The root of the tree at each of these sizes, in hex; of sizes that the log does not have there is none. */
export function rootsAt(hashes: readonly string[], sizes: Iterable<number>): Map<number, string> {
  const wanted = new Set(sizes)
  const roots = new Map<number, string>()
  const tree = new CompactTree()
  if (wanted.has(0)) roots.set(0, tree.root())
  for (const entryHash of hashes) {
    tree.append(leafHash(entryHash))
    if (wanted.has(tree.size)) roots.set(tree.size, tree.root())
  }
  return roots
}
