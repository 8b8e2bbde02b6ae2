import { AssertionError } from 'node:assert'
import { CompactTree, leafHash } from '../../clients/typescript/src/merkle.ts'
import { type CheckedRow, checkLog } from '../test-support/check-log.ts'
import type { Decided } from './load/history.ts'
import { asOwner } from './server.ts'

/** What the database holds, read by somebody who shares no code with the services. */
export interface Facts {
  /** `entry_hash` in hex, of entry 1 first. */
  hashes: string[]
  /** The entries under each Idempotency-Key, as their own content tells it. */
  idsByKey: Map<string, number[]>
  /** What is wrong with the chain at the first row that does not fit, or null. */
  chainFault: string | null
  /** What is on record of each decision of the gate, by its entry. */
  decisions: Map<number, Decided>
  /** Registrations without their entry, or the other way round, in words. */
  unattested: string[]
}

/** Reads every row in order. What a driver recorded holds its key, so entries are counted without any table of keys. */
export async function readFacts(ownerUrl: string): Promise<Facts> {
  const reader = new FactReader()
  reader.facts.chainFault = await faultOf(() => checkLog(ownerUrl, (row) => reader.takeEntry(row)))
  const records = await asOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<RecordRow>(RECORDS)
    return rows
  })
  return reader.end(records)
}

/** What `check` finds in a log, in words, or null. */
export async function faultOf(check: () => Promise<unknown>): Promise<string | null> {
  try {
    await check()
    return null
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    return error.message.split('\n')[0] as string
  }
}

/** A record of the lineage, and the entry that attests it. */
export interface RecordRow {
  id: number
  audit_id: number
  metadata: string
}

/** The records as {@link RecordRow}s. */
export const RECORDS = 'SELECT id::int, audit_id::int, metadata FROM model_lineage ORDER BY id'

/** Makes facts of the rows of the log, one after the other, and of all records. */
export class FactReader {
  readonly facts: Facts = {
    hashes: [],
    idsByKey: new Map(),
    chainFault: null,
    decisions: new Map(),
    unattested: [],
  }
  readonly #registered = new Set<number>()

  takeEntry({ id, event_type, decision, details, entry_hash }: CheckedRow): void {
    this.facts.hashes.push(entry_hash)
    if (event_type === 'lineage.registered') this.#registered.add(id)
    const said = details === null ? null : JSON.parse(details)
    if (event_type === 'gate.decided') {
      this.#takeDecision(id, decision, said)
    } else if (said?.key !== undefined) {
      this.#addId(said.key, id)
    }
  }

  end(records: readonly RecordRow[]): Facts {
    const { unattested } = this.facts
    for (const { id, audit_id, metadata } of records) {
      this.#addId(JSON.parse(metadata).key, audit_id)
      if (!this.#registered.delete(audit_id)) unattested.push(`record ${id} has no entry`)
    }
    for (const id of this.#registered) unattested.push(`entry ${id} attests no record`)
    return this.facts
  }

  #takeDecision(id: number, allowed: boolean, said: GateDetails | null): void {
    const { decisions, unattested } = this.facts
    if (said === null) return
    decisions.set(id, { allowed, decisionId: said.decision.decision_id })
    if (said.decision.allowed !== allowed) unattested.push(`entry ${id} says two decisions`)
    if (said.payload?.name !== undefined) this.#addId(said.payload.name, id)
  }

  #addId(key: string, id: number): void {
    const ids = this.facts.idsByKey.get(key)
    if (ids) ids.push(id)
    else this.facts.idsByKey.set(key, [id])
  }
}

/** What the details of a decision hold, as far as it is looked at. */
interface GateDetails {
  decision: { allowed: boolean; decision_id: string }
  payload?: { name?: string }
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
