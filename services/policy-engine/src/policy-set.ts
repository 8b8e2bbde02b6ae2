import type { Because, Condition } from './condition.ts'
import type { Day } from './day.ts'
import type { Reader, Scalar, Why } from './input.ts'

export type Mode = 'block' | 'warn' | 'observe'

export interface Rule {
  readonly id: string
  readonly law: readonly string[]
  /** `file:line` of the rule. */
  readonly at: string
  readonly mode: Mode
  readonly reason: string
  readonly from: Day | null
  readonly until: Day | null
  readonly when: Condition | null
  /** What `require` or `deny` holds. */
  readonly test: Condition
  /** The value of `test` that breaks the rule: false for `require`, true for `deny`. */
  readonly breaksOn: boolean
  /** Those of its file that name the rule, in their order. */
  readonly waivers: readonly Waiver[]
}

/** Excuses a rule that is broken, never one that is not established. */
export interface Waiver {
  /** `file:line` of the waiver. */
  readonly at: string
  /** Which requests it excuses: those of which this is true. */
  readonly match: Condition
  /** The last UTC day on which it excuses. */
  readonly expires: Day
  /** Why, by whom and until when, in words. */
  readonly note: string
}

export interface RiskFactor {
  readonly id: string
  /** Where the request says it; of a factor of `weights` it is `risk.<factor>`. */
  readonly field: string
  /** Index of the field's reading. */
  readonly slot: number
  readonly weight: number
  /** The points of an established value, or why it has none. */
  readonly pointsOf: (value: Scalar) => number | Why
  /** The points that make the sum largest. */
  readonly worst: number
  /** Which values have points, as an explanation says it. */
  readonly op: 'within' | 'in' | 'gte'
  readonly expected: Scalar | readonly Scalar[]
  readonly line: number
}

export interface RiskModel {
  readonly name: string
  /** `file:line` of `deny_at`. */
  readonly at: string
  readonly line: number
  readonly factors: readonly RiskFactor[]
  /** Rising; each level reaches from its number to the next level's. */
  readonly levels: readonly { readonly name: string; readonly from: number }[]
  readonly denyAt: number
  /** The score of a request that says nothing about risk. */
  readonly worstScore: number
}

/** A loaded set of policy files: what identifies it, and what evaluation needs. */
export interface PolicySet {
  /** The names of all layers in the order of their files, joined with `+`; the version likewise. */
  readonly name: string
  readonly version: string
  /** `sha256:` and 64 hex digits over the parsed content of all layers and the risk matrix. */
  readonly digest: string
  readonly layers: readonly {
    readonly policy: string
    readonly version: string
    readonly file: string
  }[]
  readonly risk: {
    readonly name: string | null
    readonly version: string | null
    readonly file: string
  }
  readonly compiled: {
    /** Every field that a rule or a factor reads, each read once per request. */
    readonly readers: readonly Reader[]
    readonly rules: readonly Rule[]
    readonly risk: RiskModel
  }
}

export const OUTCOMES = ['kept', 'broken', 'not_established', 'not_applicable', 'waived'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** What became of one rule, or of the risk limit (rule `risk-score`). */
export interface Explanation {
  rule: string
  outcome: Outcome
  at: string
  /** Shared by all answers, and yet not frozen: of a frozen list V8 writes JSON on a path that takes twice as long. */
  law: readonly string[]
  because: Because[]
}

/** The rule id under which the risk limit is explained; no rule may take it. */
export const RISK_RULE = 'risk-score'
