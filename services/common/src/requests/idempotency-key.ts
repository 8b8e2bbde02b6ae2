import { ApiError } from '../errors.ts'

const KEY = /^[\x21-\x7e]{1,200}$/

/** Throws `invalid_idempotency_key` unless `value` is 1 to 200 visible ASCII characters. */
export function checkIdempotencyKey(value: string): void {
  if (!KEY.test(value)) throw new ApiError('invalid_idempotency_key')
}

/**
 * The `Idempotency-Key` of a request, null where it has none. `rawHeaders` as Node gives them, because
 * `headers` joins what came twice. Throws `duplicate_header`, `invalid_idempotency_key`.
 * Attacker-controlled.
 */
export function idempotencyKey(rawHeaders: readonly string[]): string | null {
  let key: string | null = null
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 15 || name.toLowerCase() !== 'idempotency-key') continue
    if (key !== null) throw new ApiError('duplicate_header')
    key = rawHeaders[i + 1] as string
  }
  if (key !== null) checkIdempotencyKey(key)
  return key
}
