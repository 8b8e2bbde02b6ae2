import type { AuditEntry } from '../audit-types.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import type { Decision } from '../policy-types.ts'
import { parseWireTime } from '../timestamps.ts'

/**
 * A decision that is on the log together with what it was about. An entry of any type records one if its details
 * hold `payload`, what `POST /mcp-policy/validate` was asked, and `decision`, its whole answer.
 */
export interface RecordedDecision {
  entry: number
  /** What the entry itself says: whether it was allowed. */
  decision: boolean
  /** When the entry was made. */
  recordedAt: Date
  payload: JsonObject
  /** As recorded: checked are the members that a replay takes from it, `MEMBERS`. */
  answer: Decision
  /** The clock of the decision. */
  now: Date
}

/** An entry that is about a decision, and why it cannot be judged. */
export interface UnreadableDecision {
  entry: number
  why: string
}

/** By any of these a `decision` is known to be an answer of mcp-policy, whatever else is missing of it. */
const SIGNS = ['decision_id', 'evaluated_at', 'input_digest', 'policy']

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const isText = (value: JsonValue | undefined) => typeof value === 'string'
const isBoolean = (value: JsonValue | undefined) => typeof value === 'boolean'

/** What a replay takes from an answer because no rules tell it, or reads before it compares. */
const MEMBERS: Readonly<Record<string, (value: JsonValue | undefined) => boolean>> = {
  allowed: isBoolean,
  reasons: (value) => Array.isArray(value) && value.every(isText),
  within_sla: isBoolean,
  elapsed_ms: (value) => typeof value === 'number' && value >= 0,
  decision_id: (value) => typeof value === 'string' && UUID.test(value),
  evaluated_at: (value) => typeof value === 'string' && parseWireTime(value) !== null,
  policy: (value) => isObject(value) && isText(value.digest),
  aibom: (value) =>
    isObject(value) && isText(value.status) && (value.reason === null || isText(value.reason)),
}

/** The decision that an entry of a verified export records; null if it records none, or its details are erased. */
export function recordedDecision(entry: AuditEntry): RecordedDecision | UnreadableDecision | null {
  const { id, event_type, decision, details, created_at } = entry
  if (!isObject(details)) return null
  const { payload, decision: answer } = details
  // The gate was told not to keep the payload: there is nothing to judge again.
  if (event_type === 'gate.decided' && details.record === 'digest') return null
  if (!isObject(answer) || !SIGNS.some((name) => Object.hasOwn(answer, name))) return null
  if (!isObject(payload))
    return { entry: id, why: 'its details hold an answer without its payload' }
  const wrong = Object.keys(MEMBERS).find(
    (name) => !MEMBERS[name]?.(Object.hasOwn(answer, name) ? answer[name] : undefined),
  )
  if (wrong !== undefined)
    return { entry: id, why: `its answer has no ${wrong} as mcp-policy gives it` }
  const now = new Date(String(answer.evaluated_at))
  const recordedAt = new Date(created_at)
  return { entry: id, decision, recordedAt, payload, answer: answer as unknown as Decision, now }
}
