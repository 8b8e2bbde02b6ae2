import { z } from 'zod'

/** The answer of `GET /healthz`, and of `GET /readyz` while nothing is missing. */
export const OkAnswer = z.strictObject({ ok: z.literal(true) })

/** SHA-256 in lower-case hex. */
export const sha256Text = z.string().regex(/^[0-9a-f]{64}$/)

/** RFC 3339 in UTC with six decimals and `Z`. */
export const wireTime = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)

/** A position in the log or another id. */
export const idNumber = z.int().min(1)
