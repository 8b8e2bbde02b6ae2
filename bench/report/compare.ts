import { type Interval, intervalOf } from './figures.ts'
import type { Result } from './result.ts'

/**
 * With fewer the intervals of two runs of the same code lie apart by chance too often: with three rounds once in ten ratios,
 * with five once in 126.
 */
export const LEAST_ROUNDS = 5
/** By how much of the wider interval two have to lie apart. A run has dozens of ratios, so that once in 126 is often. */
const LEAST_GAP = 0.5

export type Verdict = 'agrees' | 'differs' | 'too few rounds' | 'only before' | 'only now'

/** One ratio in two runs. */
export interface Comparison {
  /** `subject: name, what ÷ floor`. */
  name: string
  before: Interval | null
  now: Interval | null
  verdict: Verdict
}

/**
 * Every ratio of two runs beside each other. They differ where their intervals, smallest to largest round, lie apart by more
 * than half of the wider one: else the two runs give no reason to believe that anything has changed. With fewer than five
 * rounds on a side nothing is said.
 */
export function compareRuns(before: Result, now: Result): Comparison[] {
  const ratios = { before: ratiosOf(before), now: ratiosOf(now) }
  const names = [...new Set([...ratios.now.keys(), ...ratios.before.keys()])]
  return names.map((name) => {
    const values = [ratios.before.get(name) ?? [], ratios.now.get(name) ?? []] as const
    const [earlier, later] = values.map((one) => (one.length > 0 ? intervalOf(one) : null))
    const rounds = Math.min(...values.map((one) => one.length))
    const intervals = { before: earlier ?? null, now: later ?? null }
    return { name, ...intervals, verdict: verdictOn(intervals, rounds) }
  })
}

function verdictOn({ before, now }: Pick<Comparison, 'before' | 'now'>, rounds: number): Verdict {
  if (!before) return 'only now'
  if (!now) return 'only before'
  if (rounds < LEAST_ROUNDS) return 'too few rounds'
  const gap = Math.max(before.least - now.most, now.least - before.most)
  const widest = Math.max(before.most - before.least, now.most - now.least)
  return gap > LEAST_GAP * widest ? 'differs' : 'agrees'
}

/** What all comparisons come to; where nothing could be compared, nothing agrees. */
export function conclude(comparisons: readonly Comparison[]): { agrees: boolean; says: string } {
  const count = (verdict: Verdict) => comparisons.filter((one) => one.verdict === verdict).length
  const [agreeing, differing] = [count('agrees'), count('differs')]
  const compared = agreeing + differing
  if (compared === 0) {
    return {
      agrees: false,
      says:
        `nothing was compared: no ratio stands in both runs with ${LEAST_ROUNDS} rounds or more in each ` +
        '(--quick has fewer); measure the same subjects with as many rounds, both times',
    }
  }
  const says = `${agreeing} of ${compared} ratios agree within their spread`
  return { agrees: differing === 0, says }
}

/** What the later run had otherwise than the earlier, a sentence for each: ratios may differ for that. */
export function otherConditions(before: Result, now: Result): string[] {
  const conditions = ({ machine, settings }: Result) => {
    const { cpu, cores, node, postgres } = machine
    const { load, rounds, seconds, records } = settings
    return { cpu, cores, node, postgres, load, rounds, seconds, records }
  }
  const then = new Map<string, string | number>(Object.entries(conditions(before)))
  return Object.entries(conditions(now))
    .filter(([what, here]) => here !== then.get(what))
    .map(([what, here]) => `${what}: ${here}, and ${then.get(what)} then`)
}

function ratiosOf({ subjects }: Result): Map<string, readonly number[]> {
  return new Map(
    subjects.flatMap(({ subject, figures }) =>
      figures.flatMap(({ name, what, ratios = [] }) =>
        ratios.map(({ of, values }): [string, readonly number[]] => [
          `${subject}: ${name}, ${what} ÷ ${of}`,
          values,
        ]),
      ),
    ),
  )
}
