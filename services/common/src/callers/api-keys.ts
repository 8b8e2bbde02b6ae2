import { hash } from 'node:crypto'
import { z } from 'zod'
import { sha256Text } from '../answers.ts'
import { SCOPES } from './scopes.ts'

/** The largest file of keys that is read, in bytes: several thousand keys. */
export const API_KEYS_MAX_BYTES = 4_194_304

/** A time, as RFC 3339 in UTC or with an offset. */
const time = z.iso.datetime({ offset: true })

/** One key as the file keeps it (docs/FORMATS.md, "API keys"): its hash, never its token. */
export const ApiKey = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{8}$/),
  /** Who it stands for: entries name `key:<name>` as their actor. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Hex SHA-256 of the whole text of the token. */
  sha256: sha256Text,
  created_at: time,
  /** From then on it counts no more; null: never. */
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

/** The file of API_KEYS_PATH. */
export const ApiKeyFile = z
  .strictObject({ v: z.literal(1), keys: z.array(ApiKey) })
  .refine(({ keys }) => new Set(keys.map(({ id }) => id)).size === keys.length, {
    path: ['keys'],
    message: 'has an id twice',
  })
export type ApiKeyFile = z.infer<typeof ApiKeyFile>

const TOKEN = /^mcp_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/

/**
 * The id in the text of a token, or null where it is none.
 *
 * @param token attacker-controlled
 */
export function parseToken(token: string): string | null {
  return TOKEN.exec(token)?.[1] ?? null
}

/** Hex SHA-256 of the whole text of a token. A token is 32 random bytes, so that one plain hash is enough. */
export function hashToken(token: string): string {
  return hash('sha256', token)
}

/** The file as it is written: for people to read too, and for its owner alone (mode 0600). */
export function formatApiKeys(file: ApiKeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}
