import type { JsonValue } from '../json.ts'
import { type Difference, differencesOf, judgeAgain, type Rules } from './judge-again.ts'
import type { RecordedDecision, UnreadableDecision } from './recorded-decision.ts'
import type { RecordedPolicies, UnusablePolicies } from './recorded-policies.ts'
import { isOfItsTime, RecordedRules } from './recorded-rules.ts'

/** A recorded decision that is not, or could not be shown to be, what its policies give. */
export interface Unequal {
  entry: number
  /** Where it stands in the export. */
  line: number
  digest: string | null
  /** What more there is to say than the differences; why there are none. */
  why: string | null
  differences: Difference[]
}

interface Waiting {
  decision: RecordedDecision
  line: number
  /** In what it differs from what the policies known so far give; null if there are none. */
  differences: Difference[] | null
}

/** Decisions that wait are held in memory; a service that cannot record its policies records no decisions either. */
const MOST_WAITING = 10_000
const TOO_FAR = `more than ${MOST_WAITING} decisions wait for the entry with their policies, if there is one`

/** Judges the decisions of a log again, entry by entry, by the policies that stand in it. */
export class Replay {
  equal = 0
  /** Entries whose details are erased. */
  erased = 0
  /** Digests of the sets that decisions were judged by. */
  readonly sets = new Set<string>()
  readonly unusable: UnusablePolicies[] = []
  readonly #rules = new RecordedRules()
  readonly #unequal: Unequal[] = []
  /** Decisions that nothing has given yet: an entry with their policies may follow. */
  #waiting: Waiting[] = []

  take(found: RecordedPolicies | UnusablePolicies): void {
    if ('why' in found) {
      this.unusable.push(found)
      return
    }
    this.#rules.add(found)
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) {
      if (this.#rules.mayGive(found, one.decision)) this.#try(one)
      else this.#waiting.push(one)
    }
  }

  judge(found: RecordedDecision | UnreadableDecision, line: number): void {
    if ('why' in found) {
      this.#unequal.push({ ...found, line, digest: null, differences: [] })
    } else if (isOfItsTime(found)) {
      this.#try({ decision: found, line, differences: null })
    } else {
      const why = 'its clock, evaluated_at, is later than its entry'
      this.#end({ decision: found, line, differences: null }, why)
    }
  }

  /** Those that are not equal, in the order of the log. Nothing is judged after this. */
  unequal(): Unequal[] {
    for (const one of this.#waiting.splice(0)) this.#end(one, this.#whyNot(one))
    return this.#unequal.sort((a, b) => a.entry - b.entry)
  }

  #try({ decision, line }: Waiting): void {
    const inForce = this.#rules.inForce(decision)
    let best: Difference[] | null = null
    if ('rules' in inForce) {
      this.sets.add(decision.answer.policy.digest)
      for (const rules of inForce.rules) {
        const differences = compared(rules, decision)
        if (differences.length === 0) {
          this.equal += 1
          return
        }
        best ??= differences
      }
    }
    const waiting = { decision, line, differences: best }
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(waiting)
    else this.#end(waiting, best ? this.#whyNot(waiting) : TOO_FAR)
  }

  #end({ decision, line, differences }: Waiting, why: string | null): void {
    const { entry, answer } = decision
    const { digest } = answer.policy
    this.#unequal.push({ entry, line, digest, why, differences: differences ?? [] })
  }

  #whyNot({ decision, differences }: Waiting): string | null {
    if (differences) {
      const entry = this.#rules.replaced(decision, (it) => compared(it, decision).length === 0)
      return entry === null
        ? null
        : `entry ${entry} gives it, whose keys or settings were not in force`
    }
    const { digest } = decision.answer.policy
    const found = this.unusable.find((it) => it.digest === digest)
    if (found) return `the policies of entry ${found.entry} cannot be used: ${found.why}`
    const inForce = this.#rules.inForce(decision)
    return 'why' in inForce ? inForce.why : null
  }
}

/** In what an entry differs from what `rules` give, its own word included. */
function compared(rules: Rules, recorded: RecordedDecision): Difference[] {
  const again = judgeAgain(rules, recorded)
  const differences = differencesOf(recorded.answer as unknown as JsonValue, again)
  const allowed = again.allowed as boolean
  if (recorded.decision === allowed) return differences
  return [{ what: 'entry.decision', recorded: recorded.decision, again: allowed }, ...differences]
}
