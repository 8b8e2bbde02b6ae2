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
  format: 'detached-jcs' | 'cyclonedx-jsf' | null
  key_id: string | null
  canonical_sha256: string | null
  /** Why it is not verified, or why a verified one is not bound, as a word. */
  reason: string | null
  /** Whether it is verified and of the model that the request names; there where a model was asked for. */
  bound?: boolean | undefined
}

/** What one risk factor adds to the score: weight × points. */
export interface RiskPart {
  factor: string
  field: string
  /** Null where nothing is established. */
  value: Scalar | null
  weight: number
  points: number
  /** Whether it counts at its worst, because nothing with points is established. */
  worst: boolean
}

/** The decision about a payload, and why. */
export interface Decision {
  allowed: boolean
  /** Why not, in plain sentences; empty if allowed. */
  reasons: string[]
  risk_score: number
  risk_level: string
  risk_parts: RiskPart[]
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
  warnings: readonly string[]
  /** Since when the folder holds a set that was not taken, and why, as `file:line:column code message`. */
  stale: { since: string; errors: readonly string[] } | null
  /** Whether the log has an entry that says that this set is active. */
  recorded: boolean
}

/** What a bill of materials is held against. */
export interface AibomSubject {
  model_id?: string | undefined
  version?: string | undefined
  artifacts?: string[] | undefined
}

/** A set that was active, as its `policy.activated` entry says. */
export interface ActivatedPolicies {
  name: string
  version: string
  digest: string
  semantics: number
  files: { name: string; content: string }[]
  /** The keys that bills of materials were verified with: key id, SPKI in PEM. */
  aibom_keys: { id: string; public_key: string }[]
  aibom_required: boolean
  gate_sla_ms: number
  activated_at: string
  audit: { id: number; entry_hash: string; created_at: string }
}
