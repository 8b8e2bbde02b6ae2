export type Scalar = string | number | boolean

/** One comparison that gave a rule its outcome. */
export interface Because {
  line: number
  field: string
  op: string
  expected: Scalar | readonly Scalar[]
  /** Null where nothing is established; `why` says why. */
  actual: Scalar | readonly Scalar[] | null
  why?: 'missing' | 'wrong_type' | 'out_of_range' | 'not_in_enum' | 'unverified' | undefined
}

export type Outcome = 'kept' | 'broken' | 'not_established' | 'not_applicable' | 'waived'

/** What became of one rule, or of the risk limit (rule `risk-score`). */
export interface Explanation {
  rule: string
  outcome: Outcome
  /** `file:line` of the rule. */
  at: string
  law: readonly string[]
  because: Because[]
}

/** What the service knows of the bill of materials; newer services may know more formats. */
export interface JudgedAibom {
  status: 'verified' | 'absent' | 'invalid' | 'untrusted_key' | 'unsupported'
  format: 'detached-jcs' | null
  key_id: string | null
  canonical_sha256: string | null
  reason: string | null
}

/** The decision about a payload, and why. */
export interface Decision {
  allowed: boolean
  /** Why not, in plain sentences; empty if allowed. */
  reasons: string[]
  risk_score: number
  risk_level: string
  explanation: Explanation[]
  warnings: string[]
  waived: string[]
  counts: Record<Outcome, number>
  within_sla: boolean
  elapsed_ms: number
  decision_id: string
  /** RFC 3339 in UTC with six decimals. */
  evaluated_at: string
  policy: { name: string; version: string; digest: string }
  input_digest: string
  aibom: JudgedAibom
}

/** The policies that decide now. */
export interface Policies {
  name: string
  version: string
  digest: string
  layers: readonly { readonly policy: string; readonly version: string; readonly file: string }[]
  risk: {
    readonly name: string | null
    readonly version: string | null
    readonly file: string
  }
  loaded_at: string
  warnings: string[]
  stale: null
}
