import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GOALS } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import type { Tools } from './ground.ts'

export const RULES = 100

/** What a request says: all that keeps every rule, or nothing. */
export type Kind = 'allowed' | 'empty'

/** Median and 99th percentile of one round, in ns. */
export interface Times {
  middle: number
  slowest: number
}

/** What policy-round.ts measured, one after the other. */
export interface PolicyRound {
  floor: Times
  subject: Times
}

/**
 * Time of a decision inside a process, at 100 rules of every shape with a waiver for every tenth: the median and the
 * slowest hundredth of a request that is allowed, and of one that says nothing. The floor parses the same request and
 * writes the same verdict as JSON, which whoever decides has to do as well. Each round is a process of its own.
 */
export async function benchPolicy({ rounds, say }: Tools): Promise<Figure[]> {
  const allowed = await figuresOf('allowed')
  return [...allowed, ...(await figuresOf('empty'))]

  async function figuresOf(kind: Kind): Promise<Figure[]> {
    const floor = `JSON of the ${kind} request`
    const subject = `evaluate, ${RULES} rules, ${kind}`
    const both = { [`${floor}, and ${subject}`]: () => runRound(kind) }
    const measured = Object.values(await interleave('policy', both, rounds.count, say)).flat()
    const of = (who: keyof PolicyRound, part: keyof Times) =>
      measured.map((round) => round[who][part])
    const row = (who: keyof PolicyRound, what: string, part: keyof Times) => ({
      ...{ name: who === 'floor' ? floor : subject, what, unit: 'ns', values: of(who, part) },
    })
    return [
      row('floor', 'median', 'middle'),
      row('floor', '99 % within', 'slowest'),
      {
        ...row('subject', 'median', 'middle'),
        ratios: ratioTo(floor, of('subject', 'middle'), of('floor', 'middle')),
      },
      { ...row('subject', '99 % within', 'slowest'), goal: GOALS.policyTime },
    ]
  }
}

async function runRound(kind: Kind): Promise<PolicyRound> {
  const script = join(import.meta.dirname, 'policy-round.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, kind])
  return JSON.parse(stdout)
}
