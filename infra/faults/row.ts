import type { Finding } from './findings.ts'
import type { Invariant } from './invariants.ts'
import type { Setting } from './scenarios.ts'

/** How many, how often or for how many seconds, by name. */
export type Counts = Readonly<Record<string, number>>

interface RowOf<Own> {
  /** What it is asked for by. */
  name: string
  /** What happens, in words. */
  does: string
  /** What must be seen then, in words. */
  shows: string
  /** What it runs against: the services as processes, or the stack of docker-compose.yml. */
  stack: 'processes' | 'compose'
  /** The counts of the full form. */
  full: Own
  /** Those of the quick form; null where that leaves it out. */
  quick: Own | null
  /** Whether requests are under way while it strikes: then each of I1 to I7 is judged, or `unjudged` says why not. */
  hasLoad: boolean
  unjudged?: Partial<Record<Invariant, string>>
  /** Throws `Skipped` where this machine cannot do it. */
  run(setting: Setting, counts: Own): Promise<Finding[]>
}

/** One row of the table of faults. */
export type Row = RowOf<Counts>

type Written<Own> = Omit<RowOf<Own>, 'stack'>

/** A row over processes, with its own counts known by their names where it is written. */
export function row<Own extends Counts>(of: Written<Own>): Row {
  return { ...of, stack: 'processes', run: (setting, counts) => of.run(setting, counts as Own) }
}

/** One over the compose stack. */
export function composeRow<Own extends Counts>(of: Written<Own>): Row {
  return { ...row(of), stack: 'compose' }
}

/** Thrown by a row that this machine cannot run; the message says why, and what it takes. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** What came of a row. */
export interface RowReport {
  row: Row
  counts: Counts
  findings: Finding[]
  /** Why it did not run; null where it did. */
  skipped: string | null
  /** Whether it ended by an error of its own, which is among the findings. */
  broke: boolean
  seconds: number
}
