import { askSigner } from './ask.ts'
import { SUBTREE } from './sql.ts'
import { auditInstance, breakIt, copyVictim, type Instance, type Victim } from './victim.ts'

/** One way to break the stored subtrees of the Merkle tree. */
export interface TreeRow {
  name: string
  /** What is done to the subtree of this index; `full` is how many full ones there are. */
  sql: (index: number, full: number) => string
  /** The entry that GET /verify names. */
  named: (index: number, full: number) => number
  /** Whether a service that has just been started can sign nothing over it: it needs the row. */
  isNeeded: boolean
}

const firstOf = (index: number) => SUBTREE * index + 1

export const TREE_ROWS: readonly TreeRow[] = [
  {
    name: 'a subtree altered',
    sql: (index) => `UPDATE audit_subtrees SET root = sha256('') WHERE index = ${index}`,
    named: firstOf,
    isNeeded: true,
  },
  {
    name: 'one bit of a subtree altered',
    sql: (index) =>
      `UPDATE audit_subtrees SET root = set_bit(root, 255, 1 - get_bit(root, 255)) WHERE index = ${index}`,
    named: firstOf,
    isNeeded: true,
  },
  {
    name: 'a subtree dropped',
    sql: (index) => `DELETE FROM audit_subtrees WHERE index = ${index}`,
    named: firstOf,
    isNeeded: true,
  },
  {
    name: 'a subtree moved to a later index',
    sql: (index) => `UPDATE audit_subtrees SET index = 1000 WHERE index = ${index}`,
    named: firstOf,
    isNeeded: true,
  },
  {
    name: 'two subtrees swapped',
    sql: (index, full) => {
      const other = (index + 1) % full
      return `UPDATE audit_subtrees AS a SET root = b.root FROM audit_subtrees AS b
        WHERE (a.index, b.index) IN ((${index}, ${other}), (${other}, ${index}))`
    },
    named: (index, full) => firstOf(Math.min(index, (index + 1) % full)),
    isNeeded: true,
  },
  {
    name: 'all subtrees dropped',
    sql: () => 'TRUNCATE audit_subtrees',
    named: () => 1,
    isNeeded: true,
  },
  {
    // It would be believed once its entries are there.
    name: 'a subtree of entries to come added',
    sql: (_, full) => `INSERT INTO audit_subtrees VALUES (${full}, sha256(''))`,
    named: (_, full) => firstOf(full),
    isNeeded: false,
  },
]

/** Breaks a copy of the victim and asks the service. Returns what is other than the row says, in words. */
export async function runTreeRow(
  victim: Victim,
  row: TreeRow,
  index: number,
  name: string,
): Promise<string[]> {
  const full = Math.floor(victim.size / SUBTREE)
  const copy = await copyVictim(victim, name)
  const running = auditInstance(copy.auditUrl, copy.signer)
  let fresh: Instance | null = null
  try {
    await running.get('/checkpoint')
    await breakIt(copy, row.sql(index, full))
    fresh = auditInstance(copy.auditUrl, copy.signer)
    const wrong = await askTree(fresh, row.isNeeded)
    for (const instance of [running, fresh]) wrong.push(...(await askSigner(instance, victim)))
    const { text } = await fresh.get('/verify?limit=500000')
    const found = JSON.parse(text)
    const expected = row.named(index, full)
    if (found.ok !== false || found.first_bad_id !== expected) {
      wrong.push(`GET /verify: ${found.first_bad_id} (${found.reason}) instead of ${expected}`)
    }
    return wrong
  } finally {
    await running.close()
    await fresh?.close()
    await copy.drop()
  }
}

/** What rests on the tree: none of it is given where a row of it is not what was signed. */
const ON_THE_TREE = [
  '/checkpoint',
  '/proof/inclusion?id=7',
  '/proof/inclusion?id=300&size=400',
  '/proof/consistency?from=100',
  '/tile/0/000',
  '/tile/1/000.p/2',
]

async function askTree(fresh: Instance, isNeeded: boolean): Promise<string[]> {
  const wrong: string[] = []
  for (const path of ON_THE_TREE) {
    const { status, text } = await fresh.get(path)
    const isRefused = status === 503 && JSON.parse(text).code === 'signer_refused'
    if (isNeeded ? !isRefused : status !== 200) wrong.push(`${path} was answered ${status}`)
  }
  return wrong
}
