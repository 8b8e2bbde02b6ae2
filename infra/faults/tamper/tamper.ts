import { join } from 'node:path'
import type { Finding } from '../findings.ts'
import { LINEAGE_ROWS, runLineageRow } from './lineage-table.ts'
import { LOG_ROWS } from './log-table.ts'
import { runLogRow } from './run-log-row.ts'
import { runSignerRow, SIGNER_ROWS } from './signer-table.ts'
import { placeAt, SUBTREE } from './sql.ts'
import { runTreeRow, TREE_ROWS } from './tree-table.ts'
import type { Victim } from './victim.ts'

export interface TamperOptions {
  /** Whether each edit is made at many places, and not only in the middle. */
  everywhere: boolean
  /** Only rows whose table and name hold this text. */
  only?: string | undefined
  say: (line: string) => void
}

interface Job {
  what: string
  /** `name` is for a copy of the victim. Returns what is wrong, in words. */
  run: (name: string) => Promise<string[]>
}

/** Rows at a time: a verifier of each language runs for each of them. */
const AT_ONCE = 2

/** Runs the tamper tables. One finding for each row that is not as it must be, and one for each table. */
export async function runTamper(victim: Victim, options: TamperOptions): Promise<Finding[]> {
  // Each row starts two verifiers and a thread, and most of the work of these is to compile the same sources.
  process.env.NODE_COMPILE_CACHE ??= join(victim.folder, 'compiled')
  const tables = {
    log: logJobs(victim, options.everywhere),
    tree: treeJobs(victim, options.everywhere),
    lineage: LINEAGE_ROWS.map((row) => ({
      what: row.name,
      run: (name: string) => runLineageRow(victim, row, name),
    })),
    signer: SIGNER_ROWS.map((row) => ({
      what: row.name,
      run: (name: string) => runSignerRow(victim, row, placeAt(victim, middleOf(victim)), name),
    })),
  }
  const findings: Finding[] = []
  for (const [table, jobs] of Object.entries(tables)) {
    const { only = '' } = options
    const chosen = jobs.filter(({ what }) => `${table}: ${what}`.includes(only))
    if (chosen.length === 0) continue
    const wrong = await runJobs(table, chosen, options.say)
    const right = chosen.length - new Set(wrong.map(({ what }) => what)).size
    findings.push(
      { what: `${table}: rows`, figure: `${right} of ${chosen.length}`, holds: wrong.length === 0 },
      ...wrong,
    )
  }
  return findings
}

/** An ordinary entry in the second half, inside a full subtree and between two checkpoints. */
function middleOf({ size }: Victim): number {
  return Math.floor(size / 2) + 17
}

function logJobs(victim: Victim, everywhere: boolean): Job[] {
  const { size } = victim
  const middle = middleOf(victim)
  const places = everywhere ? [1, 2, SUBTREE, SUBTREE + 1, middle, size - 1, size] : [middle]
  return LOG_ROWS.flatMap((row) => {
    const only = row.only && { first: 1, middle, last: size }[row.only]
    return (only ? [only] : places).map((id) => ({
      what: `${row.name}, at entry ${id}`,
      run: (name: string) => runLogRow(victim, row, placeAt(victim, id), name),
    }))
  })
}

function treeJobs(victim: Victim, everywhere: boolean): Job[] {
  const full = Math.floor(victim.size / SUBTREE)
  const indexes = everywhere ? Array.from({ length: full }, (_, index) => index) : [full - 1]
  return TREE_ROWS.flatMap((row) =>
    indexes.map((index) => ({
      what: `${row.name}, at index ${index}`,
      run: (name: string) => runTreeRow(victim, row, index, name),
    })),
  )
}

async function runJobs(table: string, jobs: readonly Job[], say: (line: string) => void) {
  const wrong: Finding[] = []
  const left = jobs.map((job, n) => ({ ...job, name: `${table}_${n + 1}` }))
  const worker = async () => {
    for (let job = left.shift(); job; job = left.shift()) {
      const found = await job.run(job.name)
      say(`${found.length === 0 ? 'ok' : 'NO'}  ${table}: ${job.what}`)
      for (const figure of found) wrong.push({ what: `  ${job.what}`, figure, holds: false })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return wrong
}
