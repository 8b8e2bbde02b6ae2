import type { AuditEntry, ProvenEntry } from './audit-types.ts'
import type { JsonObject } from './json.ts'
import type { Decision } from './policy-types.ts'

/** What the gate is asked to decide about. */
export interface GateQuestion {
  /** As `policy.validate` takes it. */
  payload: JsonObject
  /** 1–500 characters, what is decided about. Stays for ever: a pseudonym, never personal data. */
  subject: string
  /** `full` records the payload too, so that the decision can be judged again from the log; `digest` is usual. */
  record?: 'full' | 'digest' | undefined
}

/** A decision, and its entry on the log. */
export interface GateAnswer<Receipt = AuditEntry> {
  allowed: boolean
  /** As it was recorded. */
  decision: Decision
  /** The entry `gate.decided`. */
  audit: Receipt
}
export type ProvenGateAnswer = GateAnswer<ProvenEntry>

/** An envelope of DSSE: `payload` and `sig` in base64. */
export interface Envelope {
  payloadType: 'application/vnd.in-toto+json'
  payload: string
  signatures: { keyid: string; sig: string }[]
}
