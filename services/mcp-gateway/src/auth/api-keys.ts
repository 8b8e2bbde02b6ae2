import { hash, timingSafeEqual } from 'node:crypto'
import { constants, readFileSync, type Stats, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  API_KEYS_MAX_BYTES,
  type ApiKey,
  ApiKeyFile,
  hashToken,
  parseToken,
} from '@ai-governance/common/callers/api-keys'
import { EnvironmentError, unreadable } from '@ai-governance/common/environment'
import { parseStrictJson } from '@ai-governance/common/formats/strict-json'
import type { FastifyBaseLogger } from 'fastify'
import { z } from 'zod'
import type { Authenticator, Verdict } from './authenticator.ts'
import type { Caller } from './caller.ts'

/** How long to wait between two looks at the file, in ms. */
const LOOK_EVERY = 500
const MAX_VALUES = 400_000
/** Of a pipe, opening would otherwise wait for somebody to write to it. */
const READ = { flag: constants.O_RDONLY | constants.O_NONBLOCK } as const

interface KnownKey {
  caller: Caller
  /** As hex text: of a hash Node makes a text four times as fast as a buffer. */
  sha256: Buffer
  isRevoked: boolean
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** Stands in for a key that there is not, so that the answer takes as long. No token has this hash. */
const NOBODY: KnownKey = {
  caller: { actor: 'nobody', scopes: [] },
  sha256: Buffer.alloc(64),
  isRevoked: true,
  expiresAt: 0,
}

/**
 * API keys out of the file of API_KEYS_PATH (docs/FORMATS.md, "API keys"). A change counts within a second. A file
 * that is broken or gone later on is an error in the log, and the last good one stays in force: half a file
 * must not lock everybody out, and the revocations that were in force stay so.
 */
export class ApiKeys implements Authenticator {
  readonly #path: string
  readonly #log: FastifyBaseLogger
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #keys: ReadonlyMap<string, KnownKey>
  /** What the last look saw: the bytes and the mode, or why there are none. */
  #seen: string

  /** @throws EnvironmentError if the file is not as it must be */
  constructor(path: string, log: FastifyBaseLogger, every = LOOK_EVERY) {
    this.#path = path
    this.#log = log
    try {
      const about = assertFile(statSync(path))
      const bytes = readFileSync(path, READ)
      this.#keys = readKeys(bytes, about)
      this.#seen = fingerprint(bytes, about)
    } catch (error) {
      throw new EnvironmentError([`API_KEYS_PATH: ${path} ${faultOf(error)}.`])
    }
    this.#running = this.#watch(every)
  }

  authenticate(token: string): Verdict {
    const id = parseToken(token)
    const key = (id !== null && this.#keys.get(id)) || NOBODY
    const isRight = timingSafeEqual(Buffer.from(hashToken(token)), key.sha256)
    if (id === null) return 'malformed'
    if (!isRight) return 'unknown'
    if (key.isRevoked) return 'revoked'
    return key.expiresAt <= Date.now() ? 'expired' : key.caller
  }

  missing(): string[] {
    return []
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #watch(every: number): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await sleep(every, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) await this.#look()
    }
  }

  /** Compares what is there and not times of change, which some file systems keep in whole seconds. */
  async #look(): Promise<void> {
    let seen = ''
    try {
      const about = assertFile(await stat(this.#path))
      const bytes = await readFile(this.#path, READ)
      seen = fingerprint(bytes, about)
      if (seen === this.#seen) return
      this.#keys = readKeys(bytes, about)
      this.#log.info({ keys: this.#keys.size }, 'changed API keys are in force')
    } catch (error) {
      const fault = faultOf(error)
      seen ||= fault
      if (seen === this.#seen) return
      this.#log.error({ fault }, 'API_KEYS_PATH is not usable, the keys before stay in force')
    }
    this.#seen = seen
  }
}

/** A sentence without subject and full stop, for whoever runs the gateway. */
class FileFault extends Error {}

function faultOf(error: unknown): string {
  if (error instanceof FileFault) return error.message
  return `${unreadable(error, 'make one with "aigov keys create"')}, see docs/OPERATIONS.md, "API keys"`
}

function assertFile(about: Stats): Stats {
  if (!about.isFile()) throw new FileFault('is no file')
  if (about.size > API_KEYS_MAX_BYTES) {
    throw new FileFault(`is larger than ${API_KEYS_MAX_BYTES} bytes`)
  }
  return about
}

/**
 * Whether a file is closed to everybody whom the gateway does not know: open to its owner alone, or, where root owns it
 * and this process is another user, open to one group for reading. The second is how an orchestrator mounts a secret
 * (`fsGroup` of Kubernetes), and what PostgreSQL takes for `ssl_key_file`.
 *
 * @param self the user of this process
 */
export function isClosed({ mode, uid }: Pick<Stats, 'mode' | 'uid'>, self: number): boolean {
  return (mode & (uid === 0 && self !== 0 ? 0o037 : 0o077)) === 0
}

function fingerprint(bytes: Buffer, { mode }: Stats): string {
  return `${mode} ${hash('sha256', bytes)}`
}

function readKeys(bytes: Buffer, about: Stats): ReadonlyMap<string, KnownKey> {
  if (!isClosed(about, process.getuid?.() ?? 0)) {
    throw new FileFault('may be read by others than its owner: run chmod 600 on it')
  }
  let value: unknown
  try {
    value = parseStrictJson(bytes, MAX_VALUES)
  } catch (error) {
    throw new FileFault(`is not JSON: ${(error as Error).message}`)
  }
  const file = ApiKeyFile.safeParse(value)
  if (!file.success) {
    const [issue] = file.error.issues
    const where = z.core.toDotPath(issue?.path ?? [])
    throw new FileFault(`is no file of keys: ${where || 'it'}: ${issue?.message}`)
  }
  return new Map(file.data.keys.map((key) => [key.id, knownKey(key)]))
}

function knownKey({ name, scopes, sha256, expires_at, revoked_at }: ApiKey): KnownKey {
  return {
    caller: { actor: `key:${name}`, scopes },
    sha256: Buffer.from(sha256),
    isRevoked: revoked_at !== null,
    expiresAt: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at),
  }
}
