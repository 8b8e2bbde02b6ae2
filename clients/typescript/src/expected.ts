import type { AuditEvent } from './audit-types.ts'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import type { Registration } from './lineage-types.ts'

/** What an answer must be to be evidence of what was asked: in words, and as a test of an object. */
export interface Expected {
  what: string
  fits: (answer: JsonObject) => boolean
}

/** Anything: whoever uses the answer looks at what it needs. */
export const AN_OBJECT: Expected = { what: 'an object', fits: () => true }

/** A decision. What says "allowed" in any other way than `true`, or gives reasons against it, allows nothing. */
export const A_DECISION: Expected = {
  what: 'a decision',
  fits: ({ allowed, reasons }) =>
    typeof allowed === 'boolean' &&
    Array.isArray(reasons) &&
    reasons.every((reason) => typeof reason === 'string') &&
    !(allowed && reasons.length > 0),
}

/** The log entry of exactly this event. */
export function entryOf(event: AuditEvent): Expected {
  const sent = { ...event, details: event.details ?? {} }
  return {
    what: 'the entry of this event',
    fits: (answer) => isReference(answer) && echoes(answer, sent),
  }
}

/** The record of exactly this registration, with its log entry. */
export function recordOf(model: Registration): Expected {
  const { artifacts = [], parents = [], metadata = {}, aibom = null, ...named } = model
  const sent = { ...named, artifacts, parents, metadata, aibom }
  return {
    what: 'the record of this registration',
    fits: (answer) =>
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
    fits: ({ status, lineage, audit }) =>
      status === 'ok' && isObject(lineage) && record.fits(lineage) && isReference(audit),
  }
}

const isId = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isReference = (value: unknown) =>
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
