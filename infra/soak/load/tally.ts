/** What a call came to: `200`, `503 overloaded`, `closed`, `hangs`, or the code of an error of the socket. */
export type Outcome = string

/** How often each kind of call came to what. */
export type Counts = Record<string, Record<Outcome, number>>

/** What the process that makes the load tells at its end. */
export interface Told {
  /** Honest requests a second that all clients together got answered when nobody held them back. */
  capacity: number
  /** Honest requests a second that were due from then on. */
  rate: number
  counts: Counts
  /** Answers that their kind does not allow for: how often, and what was sent, the first time. */
  unexpected: Record<string, { times: number; what: string }>
  /** Honest requests at that rate, and those of them that were told to come back. */
  honest: { answered: number; refused: number }
  /** Requests, honest and hostile, that were due at those rates; and of them those not sent, because too many were under way. */
  due: number
  unsent: number
  /** Connections that were slow on purpose: those that the gateway ended, and those that it did not. */
  ended: number
  stuck: number
}

/** Counts outcomes, and keeps the first of every sort that should not be. */
export class Tally {
  readonly counts: Counts = {}
  readonly unexpected: Told['unexpected'] = {}

  /**
   * @param expected outcomes that are right for this kind; `503` stands for each code of that status
   * @param what tells what was sent, for whoever has to find out
   */
  count(kind: string, outcome: Outcome, expected: readonly string[], what: () => string): void {
    this.counts[kind] ??= {}
    const own = this.counts[kind]
    own[outcome] = (own[outcome] ?? 0) + 1
    if (isExpected(outcome, expected)) return
    const sort = `${kind}: ${outcome}`
    const known = this.unexpected[sort]
    if (known) known.times++
    else this.unexpected[sort] = { times: 1, what: what().slice(0, 200) }
  }

  /** All outcomes of all kinds. */
  total(): number {
    return Object.values(this.counts)
      .flatMap((own) => Object.values(own))
      .reduce((sum, times) => sum + times, 0)
  }
}

export function isExpected(outcome: Outcome, expected: readonly string[]): boolean {
  return expected.includes(outcome) || expected.includes(outcome.split(' ')[0] as string)
}
