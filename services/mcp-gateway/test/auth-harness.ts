import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ApiKey, formatApiKeys, hashToken } from '@ai-governance/common/callers/api-keys'
import { deriveIdentityKey, type IdentityClaims } from '@ai-governance/common/callers/identity'
import { IdentityVerifier } from '@ai-governance/common/callers/identity-verifier'
import type { Scope } from '@ai-governance/common/callers/scopes'
import type { AppOptions } from '../src/app.ts'
import {
  type Answer,
  assertRefused,
  type Callers,
  type Gateway,
  getBytes,
  postBytes,
  type Received,
  type Recorder,
  sendRaw,
  startGateway,
  startRecorder,
} from './harness.ts'

export const SERVICES = ['mcp-lineage', 'mcp-policy', 'mcp-audit']

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'auth-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

export interface MadeKey {
  token: string
  record: ApiKey
}

let made = 0

/** A new key and its entry in the file, which `changes` may alter. */
export function makeKey(scopes: Scope[], changes: Partial<ApiKey> = {}): MadeKey {
  const id = String(++made).padStart(8, 'k')
  const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
  const record: ApiKey = {
    id,
    name: `name-${made}`,
    scopes,
    sha256: hashToken(token),
    created_at: '2026-11-23T10:00:00Z',
    expires_at: null,
    revoked_at: null,
    ...changes,
  }
  return { token, record }
}

/** Puts a file in place as a whole, as `aigov keys` does. */
export function writeKeys(path: string, keys: readonly MadeKey[], mode = 0o600): void {
  writeText(path, formatApiKeys({ v: 1, keys: keys.map(({ record }) => record) }), mode)
}

export function writeText(path: string, text: string, mode = 0o600): void {
  writeFileSync(`${path}.new`, text)
  chmodSync(`${path}.new`, mode)
  renameSync(`${path}.new`, path)
}

/** A secret of the stack in a file, and the verifier that each service would have. */
export function makeSecret(t: TestContext): { path: string; secret: string } {
  const path = join(temporaryFolder(t), 'secret')
  const secret = randomBytes(32).toString('base64url')
  writeFileSync(path, `${secret}\n`, { mode: 0o600 })
  return { path, secret }
}

/** What a service would take a call for that arrived at it; throws where it would refuse it. */
export function verified(secret: string, service: string, call: Received): IdentityClaims {
  const now = Date.now() / 1_000
  const key = Buffer.from(deriveIdentityKey(secret, service), 'base64url')
  const issuers = [{ name: 'mcp-gateway', key, mayClaim: () => true }]
  const verifier = new IdentityVerifier({ audience: service, issuers, startedAt: 0 })
  const id = String(call.headers['x-request-id'])
  const request = { id, method: call.method, target: call.target }
  const claims = verifier.verify(String(call.headers['x-mcp-identity']), request, now)
  verifier.admit(claims, call.body, now)
  return claims
}

export interface Guarded {
  gateway: Gateway
  recorder: Recorder
  secret: string
}

/** A gateway that lets nobody in without credentials, before one recorder that stands for all services. */
export async function startGuarded(
  t: TestContext,
  auth: Callers['auth'],
  rateLimits: Partial<Callers['rateLimits']> = {},
  options: AppOptions = {},
): Promise<Guarded> {
  const { path, secret } = makeSecret(t)
  const recorder = await startRecorder(t)
  const services = Object.fromEntries(SERVICES.map((name) => [name, recorder.url]))
  const callers = {
    auth,
    rateLimits: { perKey: null, perAddress: null, ...rateLimits },
    identitySecretPath: path,
  }
  const gateway = await startGateway(t, services, {}, [], callers, options)
  return { gateway, recorder, secret }
}

/** A gateway with a file of these keys. */
export async function startWithKeys(
  t: TestContext,
  keys: readonly MadeKey[],
  rateLimits: Partial<Callers['rateLimits']> = {},
): Promise<Guarded & { path: string }> {
  const path = join(temporaryFolder(t), 'api-keys.json')
  writeKeys(path, keys)
  return { path, ...(await startGuarded(t, { mode: 'keys', path }, rateLimits)) }
}

export const bearer = (token: string): string => `Authorization: Bearer ${token}`

export function get(gateway: Gateway, target: string, ...headers: string[]): Promise<Answer> {
  return sendRaw(gateway.port, getBytes(gateway.port, target, headers))
}

export function post(gateway: Gateway, target: string, ...headers: string[]): Promise<Answer> {
  const json = ['Content-Type: application/json', ...headers]
  return sendRaw(gateway.port, postBytes(gateway.port, target, '{"a":1}', json))
}

/** The one answer to all wrong credentials, without what is different in every answer. */
export function unauthorized(answer: Answer): string {
  const problem = assertRefused(answer, 401, 'unauthorized')
  const { 'x-request-id': _id, date: _date, ...headers } = answer.headers
  return JSON.stringify({ headers, problem: { ...problem, request_id: '' } })
}

/** Waits until it is so; the test's own time limit ends what never comes. */
export async function until(t: TestContext, isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    assert.ok(!t.signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
