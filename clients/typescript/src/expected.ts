import type { AuditEvent } from './audit-types.ts'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import type { Registration } from './lineage-types.ts'
import { isProven } from './proofs.ts'
import type { VerifierKey } from './signed-note.ts'

/** What an answer must be to be evidence of what was asked: in words, and as a test of the JSON that came. */
export interface Expected {
  what: string
  fits: (answer: unknown) => boolean
}

/** Any: whoever uses the answer looks at what it needs. */
export const AN_OBJECT: Expected = { what: 'an object', fits: isObject }

/** A decision. What says "allowed" in any other way than `true`, or gives reasons against it, allows nothing. */
export const A_DECISION: Expected = {
  what: 'a decision',
  fits: (answer) =>
    isObject(answer) &&
    typeof answer.allowed === 'boolean' &&
    Array.isArray(answer.reasons) &&
    answer.reasons.every((reason) => typeof reason === 'string') &&
    !(answer.allowed && answer.reasons.length > 0),
}

/** The log entry of exactly this event. */
export function entryOf(event: AuditEvent): Expected {
  const sent = { ...event, details: event.details ?? {} }
  return {
    what: 'the entry of this event',
    fits: (answer) => isReference(answer) && echoes(answer, sent),
  }
}

/** The log entries of exactly these events, in their order. */
export function entriesOf(events: readonly AuditEvent[]): Expected {
  const expected = events.map(entryOf)
  return {
    what: 'the entries of these events',
    fits: (answer) =>
      Array.isArray(answer) &&
      answer.length === events.length &&
      expected.every(({ fits }, i) => fits(answer[i])),
  }
}

/** The log entry of this event, with a proof, which the key has signed if there is one. */
export function provenEntryOf(event: AuditEvent, key: VerifierKey | null): Expected {
  const { what, fits } = entryOf(event)
  return {
    what: key ? `${what}, proven under the audit key` : `${what} with its proof`,
    fits: (answer) =>
      isObject(answer) &&
      fits(answer) &&
      (key === null || answer.proof === null || isProven(answer, key)),
  }
}

/** What an erasure, a hold or a run of retention answers: what it did, and the entry that says so. */
export const AN_ERASURE: Expected = {
  what: 'what was erased, and its log entry',
  fits: (answer) => isObject(answer) && isCount(answer.count) && isReference(answer.audit),
}
export const A_HOLD: Expected = {
  what: 'a legal hold',
  fits: (answer) => isObject(answer) && isId(answer.id) && isId(answer.audit_id),
}

/** The record of exactly this registration, with its log entry. */
export function recordOf(model: Registration): Expected {
  const { artifacts = [], parents = [], metadata = {}, aibom = null, ...named } = model
  const sent = { ...named, artifacts, parents, metadata, aibom }
  return {
    what: 'the record of this registration',
    fits: (answer) =>
      isObject(answer) &&
      isId(answer.id) &&
      isId(answer.revision) &&
      isHash(answer.record_hash) &&
      isReference(answer.audit) &&
      echoes(answer, sent),
  }
}

/** The gateway's own answer to a registration. */
export function registeredModelOf(model: Registration): Expected {
  const record = recordOf(model)
  return {
    what: record.what,
    fits: (answer) =>
      isObject(answer) &&
      answer.status === 'ok' &&
      record.fits(answer.lineage) &&
      isReference(answer.audit),
  }
}

const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isReference = (value: unknown): value is JsonObject =>
  isObject(value) && isId(value.id) && isHash(value.entry_hash)

/** Whether an answer says the same of everything that was sent, in whatever order of members. */
function echoes(answer: JsonObject, sent: object): boolean {
  try {
    // As it went out: without what is undefined, and with what `toJSON` makes of a value.
    const said = JSON.parse(JSON.stringify(sent)) as JsonObject
    return Object.entries(said).every(
      ([name, value]) =>
        Object.hasOwn(answer, name) &&
        canonicalJson(answer[name] as JsonValue) === canonicalJson(value),
    )
  } catch {
    // Deeper than anything that a service takes.
    return false
  }
}
