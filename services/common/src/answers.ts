import { z } from 'zod'
import { ERROR_CODES } from './errors.ts'

/** The answer of `GET /healthz`, and of `GET /readyz` while nothing is missing. */
export const OkAnswer = z.strictObject({ ok: z.literal(true) })

/** The body of every error answer: RFC 9457 problem details with `code` and `request_id`. */
export const ProblemAnswer = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(ERROR_CODES),
  detail: z.string(),
  request_id: z.string(),
  /** What is wrong with the request: where (a JSON path such as `payload.risk`) and what. */
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
})

/** SHA-256 in lower-case hex. */
export const sha256Text = z.string().regex(/^[0-9a-f]{64}$/)

/** RFC 3339 in UTC with six decimals and `Z`. */
export const wireTime = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)

/** A position in the log or another id. */
export const idNumber = z.int().min(1)
