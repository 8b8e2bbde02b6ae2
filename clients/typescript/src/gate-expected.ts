import { sha256Hex } from './bytes.ts'
import { canonicalJson } from './canonical-json.ts'
import { A_DECISION, type Expected, entryOf } from './expected.ts'
import type { GateQuestion } from './gate-types.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { isProven } from './proofs.ts'
import type { VerifierKey } from './signed-note.ts'

/**
 * A decision about exactly this payload and the log entry that records it. Whatever allows in one of the places and
 * not in the others allows nothing. `proof`: with its proof, which the key has signed if there is one.
 */
export function gateAnswerOf(
  { payload, subject, record = 'digest' }: GateQuestion,
  { proof, key }: { proof: boolean; key: VerifierKey | null },
): Expected {
  const digest = digestOf(payload)
  return {
    what: 'the recorded decision about this payload',
    fits: (answer) => {
      if (!isObject(answer) || !isObject(answer.decision) || !isObject(answer.audit)) return false
      const { allowed, decision, audit } = answer
      const details = isObject(audit.details) ? audit.details : {}
      const event = { event_type: 'gate.decided', subject, decision: decision.allowed as boolean }
      return (
        A_DECISION.fits(decision) &&
        allowed === decision.allowed &&
        decision.input_digest === digest &&
        entryOf({ ...event, details }).fits(audit) &&
        details.record === record &&
        isSame(details.decision, decision) &&
        (record === 'digest' || isSame(details.payload, payload)) &&
        (!proof || key === null || audit.proof === null || isProven(audit, key))
      )
    },
  }
}

/** Null for what is no JSON: nothing fits it, and sending it fails with what is wrong. */
function digestOf(payload: JsonObject): string | null {
  try {
    // As it goes out.
    return `sha256:${sha256Hex(canonicalJson(JSON.parse(JSON.stringify(payload)) as JsonObject))}`
  } catch {
    return null
  }
}

function isSame(one: JsonValue | undefined, other: JsonValue): boolean {
  try {
    const said = JSON.parse(JSON.stringify(other)) as JsonValue
    return one !== undefined && canonicalJson(one) === canonicalJson(said)
  } catch {
    return false
  }
}
