import type { JsonValue } from './canonical-json.ts'
import { ApiError } from './errors.ts'
import { parseStrictJson, StrictJsonError } from './strict-json.ts'

/** 1 MiB: the largest body unless a route says otherwise. */
export const DEFAULT_BODY_LIMIT = 1_048_576
/** What a route that takes an AI bill of materials takes: 8 MiB and 200,000 values. */
export const AIBOM_BODY_LIMIT = 8 * 1_048_576
export const AIBOM_MAX_VALUES = 200_000

const JSON_TYPE = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*$/i

/** Null if the headers announce plain JSON in UTF-8, else the error to answer with. */
export function contentTypeFault(
  contentType: string | undefined,
  contentEncoding: string | undefined,
): ApiError | null {
  const fine =
    contentType !== undefined && JSON_TYPE.test(contentType) && contentEncoding === undefined
  return fine ? null : new ApiError('unsupported_media_type')
}

/** The value of a request body. Throws `invalid_json` with the reason. `bytes` is attacker-controlled. */
export function parseJsonBody(bytes: Buffer, maxValues?: number): JsonValue {
  if (bytes.length === 0) throw new ApiError('invalid_json', 'the body is empty')
  try {
    return parseStrictJson(bytes, maxValues)
  } catch (error) {
    if (error instanceof StrictJsonError) throw new ApiError('invalid_json', error.message)
    throw error
  }
}
