import type { AuditEntry } from '../audit-types.ts'
import { canonicalJson } from '../canonical-json.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { Decision } from '../policy-types.ts'

/**
 * A decision that is on the log together with what it was about. An entry of any type records one if its details
 * hold `payload`, what `POST /mcp-policy/validate` was asked, and `decision`, its whole answer.
 */
export interface RecordedDecision {
  entry: number
  /** What the entry itself says: whether it was allowed. */
  decision: boolean
  payload: JsonObject
  /** As recorded: of these members only those that identify a decision are checked. */
  answer: Decision
  /** The clock of the decision. */
  now: Date
}

/** The decision that an entry records; null if it records none, or its details are erased. */
export function recordedDecision({ id, decision, details }: AuditEntry): RecordedDecision | null {
  if (!isObject(details)) return null
  const { payload, decision: answer } = details
  if (!isObject(payload) || !isObject(answer) || !isAnswer(answer) || !isJson(details)) return null
  const now = new Date(String(answer.evaluated_at))
  if (Number.isNaN(now.getTime())) return null
  return { entry: id, decision, payload, answer: answer as unknown as Decision, now }
}

function isAnswer({ policy, aibom, evaluated_at, allowed, reasons }: JsonObject): boolean {
  if (!isObject(policy) || typeof policy.digest !== 'string' || !isObject(aibom)) return false
  if (typeof evaluated_at !== 'string' || typeof allowed !== 'boolean') return false
  return Array.isArray(reasons) && reasons.every((reason) => typeof reason === 'string')
}

/** Whether it has a canonical form: an export may be from anybody, and the services let nothing else through. */
function isJson(details: JsonObject): boolean {
  try {
    canonicalJson(details)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
