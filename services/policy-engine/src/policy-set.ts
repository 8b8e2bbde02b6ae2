import type { Because, Condition } from './condition.ts'
import type { Day } from './day.ts'
import type { Reader } from './input.ts'

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
}

export interface RiskFactor {
  /** `risk.<factor>`, where the payload carries it. */
  readonly field: string
  readonly read: Reader
  readonly weight: number
  /** The end of the scale that makes the sum largest. */
  readonly worst: number
  readonly line: number
}

export interface RiskModel {
  readonly name: string
  /** `file:line` of `deny_at`. */
  readonly at: string
  readonly line: number
  readonly scale: readonly [min: number, max: number]
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
    /** Every field that a rule reads, each read once per request. */
    readonly readers: readonly Reader[]
    readonly rules: readonly Rule[]
    readonly risk: RiskModel
  }
}

export type Outcome = 'kept' | 'broken' | 'not_established' | 'not_applicable' | 'waived'

/** What became of one rule, or of the risk limit (rule `risk-score`). */
export interface Explanation {
  rule: string
  outcome: Outcome
  at: string
  law: readonly string[]
  because: Because[]
}

/** The rule id under which the risk limit is explained; no rule may take it. */
export const RISK_RULE = 'risk-score'
