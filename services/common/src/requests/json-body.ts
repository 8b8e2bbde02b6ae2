import { ApiError } from '../errors.ts'
import type { JsonValue } from '../formats/canonical-json.ts'
import {
  DEFAULT_MAX_VALUES,
  type ElementLimits,
  parseStrictJson,
  readStrictJson,
  StrictJsonError,
} from '../formats/strict-json.ts'

/** 1 MiB: the largest body unless a route says otherwise. */
export const DEFAULT_BODY_LIMIT = 1_048_576
/** What a route that takes an AI bill of materials takes: 8 MiB and 200,000 values. */
export const AIBOM_BODY_LIMIT = 8 * 1_048_576
export const AIBOM_MAX_VALUES = 200_000

/** What a route that takes a batch of events takes: 16 MiB and 400,000 values. */
export const BATCH_BODY_LIMIT = 16 * 1_048_576
export const BATCH_MAX_VALUES = 400_000
/** Of a batch: how many events there may be, and each of them within what a body of its own may hold. */
export const BATCH_EVENTS: ElementLimits = {
  count: 10_000,
  values: DEFAULT_MAX_VALUES,
  bytes: DEFAULT_BODY_LIMIT,
}

/** What a route says of the body that it takes. */
export interface BodyRules {
  /** Values that the body may hold, where it is not the default of strict JSON. */
  maxValues?: number
  /** Takes a batch of events: `{"events":[…]}`, or NDJSON with one event a line. */
  ndjson?: boolean
}

const UTF_8 = String.raw`(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*$`
const JSON_TYPE = new RegExp(`^application/json${UTF_8}`, 'i')
const NDJSON_TYPE = new RegExp(`^application/x-ndjson${UTF_8}`, 'i')

/** Null if the headers announce plain JSON in UTF-8 (or NDJSON, where that is taken), else the error to answer with. */
export function contentTypeFault(
  contentType: string | undefined,
  contentEncoding: string | undefined,
  takesNdjson = false,
): ApiError | null {
  const fine =
    contentType !== undefined &&
    (JSON_TYPE.test(contentType) || (takesNdjson && NDJSON_TYPE.test(contentType))) &&
    contentEncoding === undefined
  if (fine) return null
  const either = 'The body must be application/json or application/x-ndjson in UTF-8, not encoded'
  return new ApiError('unsupported_media_type', takesNdjson ? either : undefined)
}

/** Whether a content type that {@link contentTypeFault} let through is NDJSON. */
export function isNdjson(contentType: string | undefined): boolean {
  return contentType !== undefined && NDJSON_TYPE.test(contentType)
}

/** The value of a request body, by its content type and what its route takes. Throws `invalid_json`. */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  { maxValues, ndjson = false }: BodyRules,
): JsonValue {
  if (!ndjson) return parseJsonBody(bytes, maxValues)
  const total = maxValues ?? BATCH_MAX_VALUES
  return isNdjson(contentType) ? parseNdjsonBody(bytes, total) : parseBatchBody(bytes, total)
}

/** The value of a request body. Throws `invalid_json` with the reason. `bytes` is attacker-controlled. */
export function parseJsonBody(bytes: Buffer, maxValues?: number): JsonValue {
  return parsed(bytes, () => parseStrictJson(bytes, maxValues))
}

/** Like {@link parseJsonBody}, with each event of `{"events":[…]}` within its own limits. */
export function parseBatchBody(
  bytes: Buffer,
  maxValues: number = BATCH_MAX_VALUES,
  events: ElementLimits = BATCH_EVENTS,
): JsonValue {
  return parsed(bytes, () => readStrictJson(bytes, maxValues, events).value)
}

/**
 * The events of a body in NDJSON: a strict JSON object a line, lines ending in LF or CR LF, the last one
 * perhaps in nothing; blank lines say nothing. Throws `invalid_json` with the line and the reason.
 * `bytes` is attacker-controlled.
 */
export function parseNdjsonBody(
  bytes: Buffer,
  maxValues: number = BATCH_MAX_VALUES,
  limits: ElementLimits = BATCH_EVENTS,
): { events: JsonValue[] } {
  const events: JsonValue[] = []
  let total = 0
  parsed(bytes, () => {
    for (const { line, start, end } of filledLines(bytes)) {
      total += inLine(line, () => {
        if (events.length === limits.count) {
          throw new StrictJsonError(`more than ${limits.count} events`)
        }
        if (end - start > limits.bytes) {
          throw new StrictJsonError(`an event of more than ${limits.bytes} bytes`)
        }
        const { value, values } = readStrictJson(bytes.subarray(start, end), limits.values)
        if (total + values > maxValues) {
          throw new StrictJsonError(`more than ${maxValues} values up to here`)
        }
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          throw new StrictJsonError('an event must be a JSON object')
        }
        events.push(value)
        return values
      })
    }
  })
  return { events }
}

const LF = 0x0a
const CR = 0x0d

/** The lines that are not blank, from their first byte that is not white space; the first line is 1. */
function* filledLines(bytes: Buffer): Generator<{ line: number; start: number; end: number }> {
  let line = 1
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === LF) line++
    if (byte === LF || byte === CR || byte === 0x20 || byte === 0x09) continue
    const lf = bytes.indexOf(LF, at)
    const end = lf === -1 ? bytes.length : lf
    yield { line, start: at, end: bytes[end - 1] === CR ? end - 1 : end }
    at = end - 1
  }
}

function inLine<Result>(line: number, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof StrictJsonError)
      throw new StrictJsonError(`line ${line}: ${error.message}`)
    throw error
  }
}

function parsed<Result>(bytes: Buffer, read: () => Result): Result {
  if (bytes.length === 0) throw new ApiError('invalid_json', 'the body is empty')
  try {
    return read()
  } catch (error) {
    if (error instanceof StrictJsonError) throw new ApiError('invalid_json', error.message)
    throw error
  }
}
