import type { Rules } from './judge-again.ts'
import type { RecordedDecision } from './recorded-decision.ts'
import type { RecordedPolicies } from './recorded-policies.ts'

/** Clocks of replicas differ by seconds, and each takes a changed folder at its own moment. In ms. */
const TOLERANCE = 60_000

/** What a decision may have been given by, or why that cannot be told. */
export type InForce = { rules: Rules[] } | { why: string }

/**
 * The policies of a log as its entries came, and which of them were in force for a decision (docs/FORMATS.md,
 * "Activated policies"): a set that became active again with other keys or settings decides by the newer ones.
 */
export class RecordedRules {
  /** By digest, in the order of the log. */
  readonly #known = new Map<string, RecordedPolicies[]>()

  add(policies: RecordedPolicies): void {
    const { digest } = policies.rules.set
    this.#known.set(digest, [...this.#of(digest), policies])
  }

  /**
   * The rules of the last entry before the decision that is about its policies. An entry behind it counts too if
   * those policies were active when it was made: what a replica decides may be recorded before that they are active.
   */
  inForce(decision: RecordedDecision): InForce {
    const { digest } = decision.answer.policy
    const known = this.#of(digest)
    const [first] = known
    if (!first) {
      return {
        why: 'no policy.activated entry of the export is about its policies: export from an earlier entry',
      }
    }
    if (!wasActive(first, decision)) {
      return {
        why: `it was made before its policies became active (entry ${first.entry}): export from an earlier entry`,
      }
    }
    const last = known.findLast(({ entry }) => entry < decision.entry)
    const behind = known.filter((it) => it.entry > decision.entry && wasActive(it, decision))
    return { rules: this.#inAllTexts(digest, last ? [last, ...behind] : behind) }
  }

  /** Whether an entry that has just come may be what a decision before it was given by. */
  mayGive(policies: RecordedPolicies, decision: RecordedDecision): boolean {
    return (
      policies.rules.set.digest === decision.answer.policy.digest && wasActive(policies, decision)
    )
  }

  /** Another entry about the same policies that gives the answer, though others were in force; null if none does. */
  replaced(decision: RecordedDecision, gives: (rules: Rules) => boolean): number | null {
    const { digest } = decision.answer.policy
    const bySettings = Map.groupBy(this.#of(digest), ({ settings }) => settings)
    for (const [one] of bySettings.values()) {
      if (one && this.#inAllTexts(digest, [one]).some(gives)) return one.entry
    }
    return null
  }

  #of(digest: string): readonly RecordedPolicies[] {
    return this.#known.get(digest) ?? []
  }

  /** The same settings with each text of the set: those who changed a comment explain by other lines. */
  #inAllTexts(digest: string, found: readonly RecordedPolicies[]): Rules[] {
    const texts = new Map(this.#of(digest).map((it) => [it.texts, it.rules.set]))
    const settings = new Map(found.map((it) => [it.settings, it]))
    return [...settings.values()].flatMap((it) => {
      const own = texts.get(it.texts)
      const others = [...texts.values()].filter((set) => set !== own)
      return [own, ...others].flatMap((set) => (set ? [{ ...it.rules, set }] : []))
    })
  }
}

function wasActive({ activatedAt }: RecordedPolicies, { now }: RecordedDecision): boolean {
  return activatedAt.getTime() <= now.getTime() + TOLERANCE
}

/** Whether the clock of a decision is one that its entry allows: nobody records what is yet to come. */
export function isOfItsTime({ now, recordedAt }: RecordedDecision): boolean {
  return now.getTime() <= recordedAt.getTime() + TOLERANCE
}
