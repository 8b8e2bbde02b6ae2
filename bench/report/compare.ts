import { type Interval, intervalOf } from './figures.ts'
import type { Result } from './result.ts'

/** Fewer rounds have no spread to speak of. */
const LEAST_ROUNDS = 3

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
 * Every ratio of two runs beside each other. They agree where their intervals, smallest to largest round, meet: then
 * the two runs give no reason to believe that anything has changed. With fewer than three rounds on a side nothing is said.
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
  return before.least <= now.most && now.least <= before.most ? 'agrees' : 'differs'
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
