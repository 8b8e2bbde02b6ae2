import { createHash, randomBytes, randomInt } from 'node:crypto'
import { isObject } from '../json.ts'
import { JsonTextError, parseJson } from '../json-text.ts'
import { isTime } from './key-expiry.ts'
import { SCOPES, type Scope } from './key-scopes.ts'

/** One key as the file of API_KEYS_PATH keeps it (docs/FORMATS.md, API keys): its hash, never its token. */
export interface ApiKey {
  /** 8 characters of a-z and 0-9, which its token holds too. */
  id: string
  /** Who it stands for: entries of the log name `key:<name>` as their actor. */
  name: string
  scopes: Scope[]
  /** Hex SHA-256 of the whole text of the token. */
  sha256: string
  created_at: string
  /** From then on it counts no more; null: never. */
  expires_at: string | null
  revoked_at: string | null
}

export interface ApiKeyFile {
  v: 1
  keys: ApiKey[]
}

/** Why a file of keys, or a change of it, is not acceptable. The message says what to do. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError'
}

/** The largest file of keys that the gateway reads, in bytes. */
export const MOST_BYTES = 4_194_304
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const ID = /^[a-z0-9]{8}$/
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

const isTimeOrNull = (value: unknown) => value === null || isTime(value)
const MEMBERS: Readonly<Record<keyof ApiKey, (value: unknown) => boolean>> = {
  id: (value) => typeof value === 'string' && ID.test(value),
  name: (value) => typeof value === 'string' && NAME.test(value),
  scopes: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((scope) => SCOPES.includes(scope as Scope)),
  sha256: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  created_at: isTime,
  expires_at: isTimeOrNull,
  revoked_at: isTimeOrNull,
}

/**
 * The keys in the text of a file, exactly as strict as the gateway reads it: what it would refuse is not made
 * worse by writing it again. Throws {@link ApiKeyError}, which names the place.
 */
export function parseApiKeys(text: string): ApiKeyFile {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    throw new ApiKeyError(`is not usable JSON: ${error.message}`)
  }
  if (!isObject(value) || value.v !== 1 || !Array.isArray(value.keys) || size(value) !== 2) {
    throw new ApiKeyError('is not { "v": 1, "keys": […] }')
  }
  const ids = new Set<unknown>()
  for (const [at, key] of value.keys.entries()) {
    const fault = faultOf(key)
    if (fault) throw new ApiKeyError(`is not right at keys[${at}]${fault}`)
    const { id } = key as unknown as ApiKey
    if (ids.has(id)) throw new ApiKeyError(`has the id ${id} twice`)
    ids.add(id)
  }
  return value as unknown as ApiKeyFile
}

const size = (value: object) => Object.keys(value).length

function faultOf(key: unknown): string | null {
  if (!isObject(key)) return ', which is no object'
  for (const [name, fits] of Object.entries(MEMBERS)) {
    if (!Object.hasOwn(key, name)) return `: ${name} is missing`
    if (!fits(key[name])) return `.${name}`
  }
  const unknown = Object.keys(key).find((name) => !Object.hasOwn(MEMBERS, name))
  return unknown === undefined ? null : `: ${unknown} is not a member`
}

/** The text of a file of keys. */
export function formatApiKeys(file: ApiKeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}

export interface KeyOrder {
  name: string
  scopes: readonly Scope[]
  /** RFC 3339, or null for never. */
  expiresAt: string | null
}

/** A new key among `keys`, and its token, which nothing keeps. Throws {@link ApiKeyError} for a name that is taken. */
export function makeKey(
  keys: readonly ApiKey[],
  { name, scopes, expiresAt }: KeyOrder,
  now: Date,
): { key: ApiKey; token: string } {
  const taken = keys.find((key) => key.name === name)
  if (taken) {
    throw new ApiKeyError(
      `${name} is the name of the key ${taken.id} (${stateOf(taken, now)}), and the log tells keys apart by their names: choose another.`,
    )
  }
  const id = makeId(keys)
  // 32 bytes that nobody can guess: one hash without salt or work is enough.
  const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
  const key = {
    id,
    name,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    sha256: createHash('sha256').update(token).digest('hex'),
    created_at: now.toISOString(),
    expires_at: expiresAt,
    revoked_at: null,
  }
  return { key, token }
}

function makeId(keys: readonly ApiKey[]): string {
  for (;;) {
    const id = Array.from({ length: 8 }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('')
    if (!keys.some((key) => key.id === id)) return id
  }
}

/** The key of an id or a name. Throws {@link ApiKeyError} where there is none, or more than one. */
export function findKey(keys: readonly ApiKey[], idOrName: string): ApiKey {
  if (idOrName.startsWith('mcp_')) {
    throw new ApiKeyError(
      'That is a token: give the name of its key, or its id, the 8 characters after "mcp_".',
    )
  }
  const found = keys.filter(({ id, name }) => id === idOrName || name === idOrName)
  if (found.length === 1) return found[0] as ApiKey
  if (found.length === 0) {
    throw new ApiKeyError(
      `There is no key ${idOrName}: "aigov keys list" shows those that there are.`,
    )
  }
  const told = found.map(({ id, name }) => `${id} (${name})`).join(' and ')
  throw new ApiKeyError(`${idOrName} may be ${told}: give what only one of them has.`)
}

export type KeyState = 'active' | 'expired' | 'revoked'

/** Whether a key counts at a time. */
export function stateOf(key: Pick<ApiKey, 'expires_at' | 'revoked_at'>, now: Date): KeyState {
  if (key.revoked_at !== null) return 'revoked'
  return key.expires_at !== null && Date.parse(key.expires_at) <= now.getTime()
    ? 'expired'
    : 'active'
}
