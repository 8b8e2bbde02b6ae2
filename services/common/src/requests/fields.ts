import { z } from 'zod'
import type { JsonObject } from '../formats/canonical-json.ts'
import { parseMicroseconds } from '../formats/timestamps.ts'

/**
 * A text of 1 to `max` characters (code points, as PostgreSQL counts them), any but U+0000. What JSON Schema can
 * say of a rule that zod cannot show stands in `meta`, here as below.
 */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .refine((value) => value.length <= max || [...value].length <= max, {
      message: `must have at most ${max} characters`,
    })
    .refine((value) => !value.includes('\0'), { message: 'must not contain U+0000' })
    .meta({ maxLength: max, pattern: String.raw`^[^\u0000]*$` })
}

/** Any JSON object: its members are the caller's own. Not `z.record`, which copies 200,000 of them in 0.1 s. */
export const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be a JSON object',
)

/** A whole number in a query, in plain decimal: no sign, no leading zero. */
export function decimal(min: number, max: number) {
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/, 'must be a whole number in decimal')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max })
}

/** A position in the log or another id, in a query or a path. */
export const idParameter = decimal(1, Number.MAX_SAFE_INTEGER)

/** An RFC 3339 moment with an offset, as microseconds since the epoch. A `+` travels as `%2B`. */
export const momentParameter = z.string().transform((value, context) => {
  const us = parseMicroseconds(value)
  if (us === null) {
    context.addIssue('must be an RFC 3339 date and time such as 2026-11-23T10:00:00Z')
    return z.NEVER
  }
  return us
})
