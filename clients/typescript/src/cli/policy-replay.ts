import type { JsonValue } from '../json.ts'
import { type Difference, differencesOf, judgeAgain, type Rules } from './judge-again.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { entriesOf } from './policy-export.ts'
import type { PolicyReport } from './policy-report.ts'
import { type RecordedDecision, recordedDecision } from './recorded-decision.ts'
import {
  type RecordedPolicies,
  recordedPolicies,
  type UnusablePolicies,
} from './recorded-policies.ts'

/** `aigov policy replay` */
export async function replay(file: string): Promise<PolicyReport> {
  const found = new Replay()
  for await (const entry of entriesOf(file)) {
    const rules = recordedPolicies(entry)
    if (rules) found.take(rules)
    const decision = recordedDecision(entry)
    if (decision) found.judge(decision)
  }
  return reportOf(file, found)
}

/** A recorded decision that is not, or could not be shown to be, what its policies give. */
interface Unequal {
  entry: number
  digest: string
  /** Why it could not be judged; null if it was. */
  why: string | null
  differences: Difference[]
}

/** Decisions that wait are held in memory; a service that cannot record its policies records no decisions either. */
const MOST_WAITING = 10_000
const TOO_FAR = `more than ${MOST_WAITING} decisions stand before the entry with its policies, if there is one`

class Replay {
  equal = 0
  readonly sets = new Set<string>()
  /** Policies that could not be used, by digest. */
  readonly unusable: UnusablePolicies[] = []
  readonly #unequal: Unequal[] = []
  readonly #rules = new Map<string, RecordedPolicies[]>()
  /** Decisions whose policies have not come yet: an activation may be recorded after the first decision under it. */
  readonly #waiting = new Map<string, RecordedDecision[]>()

  take(found: RecordedPolicies | UnusablePolicies): void {
    if ('why' in found) {
      this.unusable.push(found)
      return
    }
    const { digest } = found.set
    const known = this.#rules.get(digest) ?? []
    const isKnown = known.some(({ fingerprint }) => fingerprint === found.fingerprint)
    if (!isKnown) this.#rules.set(digest, [...known, found])
    const waiting = this.#waiting.get(digest) ?? []
    this.#waiting.delete(digest)
    for (const decision of waiting) this.judge(decision)
  }

  judge(decision: RecordedDecision): void {
    const { digest } = decision.answer.policy
    const rules = this.#rules.get(digest)
    if (!rules) {
      this.#wait(decision, digest)
      return
    }
    this.sets.add(digest)
    // Activated more than once, with other comments, keys or settings: one of these must give the answer.
    const found = rules.map((one) => compared(one, decision))
    const best = found.find(({ length }) => length === 0) ?? (found.at(-1) as Difference[])
    if (best.length === 0) this.equal += 1
    else this.#unequal.push({ entry: decision.entry, digest, why: null, differences: best })
  }

  #wait(decision: RecordedDecision, digest: string): void {
    const waiting = this.#waiting.get(digest) ?? []
    this.#waiting.set(digest, waiting)
    if (waiting.length < MOST_WAITING) waiting.push(decision)
    else this.#unequal.push({ entry: decision.entry, digest, why: TOO_FAR, differences: [] })
  }

  /** Those that are not equal, in the order of the log. */
  unequal(): Unequal[] {
    const open = [...this.#waiting].flatMap(([digest, decisions]) =>
      decisions.map(({ entry }) => ({ entry, digest, why: this.#whyNot(digest), differences: [] })),
    )
    return [...this.#unequal, ...open].sort((a, b) => a.entry - b.entry)
  }

  #whyNot(digest: string): string {
    const found = this.unusable.find((it) => it.digest === digest)
    if (found) return `the policies of entry ${found.entry} cannot be used: ${found.why}`
    return 'no policy.activated entry of the export is about its policies: export from an earlier entry'
  }
}

function compared(rules: Rules, recorded: RecordedDecision): Difference[] {
  const again = judgeAgain(rules, recorded)
  const differences = differencesOf(recorded.answer as unknown as JsonValue, again)
  if (recorded.decision === again.allowed) return differences
  const own = {
    what: 'entry.decision',
    recorded: recorded.decision,
    again: again.allowed as boolean,
  }
  return [own, ...differences]
}

/** How many are shown to people; `json` has them all. */
const SHOWN = 100

function reportOf(file: string, replay: Replay): PolicyReport {
  const unequal = replay.unequal()
  const total = replay.equal + unequal.length
  const ok = unequal.length === 0
  const counts = `${replay.equal} of ${total} decisions under ${replay.sets.size} policy sets judged again: equal`
  const texts = unequal.map(({ entry, why, differences }) => ({
    entry,
    text: why ?? `differs in ${differences.map(({ what }) => what).join(', ')}`,
  }))
  const more = texts.length - SHOWN
  return {
    code: ok ? POLICY_EXIT.ok : POLICY_EXIT.failed,
    result: { ok, decisions: total, equal: replay.equal, policy_sets: [...replay.sets], unequal },
    lines: [
      ...texts.slice(0, SHOWN).map(({ entry, text }) => `entry ${entry}: ${text}`),
      ...(more > 0 ? [`and ${more} more: --format json has them all`] : []),
      total === 0
        ? 'NOTHING TO REPLAY  no entry holds a decision with its payload'
        : `${ok ? 'EQUAL' : 'NOT EQUAL'}  ${counts}`,
    ],
    findings: texts.map(({ entry, text }) => ({
      level: 'error',
      code: 'replay_differs',
      message: `entry ${entry}: ${text}`,
      place: { file, line: 1 },
    })),
  }
}
