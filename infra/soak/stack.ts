import { randomBytes } from 'node:crypto'
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiKey, formatApiKeys, hashToken } from '@ai-governance/common/callers/api-keys'
import type { Scope } from '@ai-governance/common/callers/scopes'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { type DatabaseServer, startServer } from '../faults/server.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import { type Stack, startStack } from '../test-support/stack.ts'
import type { Tokens } from './load/ground.ts'

const root = join(import.meta.dirname, '..', '..')
/** So many honest callers share the load; each may ask for 400 a second. */
const CALLERS = 8
const RATES = { RATE_LIMIT_PER_KEY: '400/800', RATE_LIMIT_PER_ADDRESS: '20/60' }

/** The stack that is soaked: credentials, signed calls, a signer, policies on record. */
export interface SoakStack {
  stack: Stack
  server: DatabaseServer
  /** By name, as they stand in a report. */
  services: ReadonlyMap<string, ServiceProcess>
  tokens: Tokens
  keys: KeyFile
  policiesDir: string
  /** A bill of materials that mcp-policy knows the signer of. */
  aibom: JsonObject
}

/** A file of API keys that can be changed while the gateway uses it. */
export class KeyFile {
  readonly path: string
  readonly #keys: ApiKey[] = []

  constructor(path: string) {
    this.path = path
  }

  /** Adds a key and returns its token. */
  add(name: string, scopes: Scope[], isRevoked = false): string {
    const id = String(this.#keys.length + 1).padStart(8, 'k')
    const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
    const now = new Date().toISOString()
    const sha256 = hashToken(token)
    const revoked_at = isRevoked ? now : null
    this.#keys.push({ id, name, scopes, sha256, created_at: now, expires_at: null, revoked_at })
    return token
  }

  /** Takes the last one out again. */
  removeLast(): void {
    this.#keys.pop()
  }

  /** Puts the file in place as a whole, as `aigov keys` does; or a text that is none. */
  write(text = formatApiKeys({ v: 1, keys: this.#keys })): void {
    writeFileSync(`${this.path}.new`, text, { mode: 0o600 })
    renameSync(`${this.path}.new`, this.path)
  }
}

/** Starts it with its data in `folder`. Ended by `cleanup`, also when this throws. */
export async function startSoakStack(
  folder: string,
  cleanup: AsyncDisposableStack,
): Promise<SoakStack> {
  const keys = new KeyFile(join(folder, 'api-keys.json'))
  const tokens = makeTokens(keys)
  keys.write()
  const policiesDir = join(folder, 'policies')
  cpSync(join(root, 'policies'), policiesDir, { recursive: true })
  const { aibom, publicKey } = readBill()
  const aibomKey = join(folder, 'aibom.pem')
  writeFileSync(aibomKey, publicKey)
  const server = await startServer(folder)
  cleanup.defer(() => server.stop())
  const stack = await startStack(server, {
    records: true,
    signed: true,
    policies: policiesDir,
    gatewayEnv: { AUTH_MODE: 'keys', API_KEYS_PATH: keys.path, ...RATES },
    policyEnv: { AIBOM_PUBLIC_KEY_PATH: aibomKey },
  })
  cleanup.defer(() => stack.stop())
  const services = new Map([
    ['mcp-gateway', stack.gateway],
    ['mcp-audit', stack.audit],
    ['mcp-audit, idle', stack.otherAudit],
    ['mcp-lineage', stack.lineage],
    ['mcp-policy', stack.policy],
  ])
  return { stack, server, services, tokens, keys, policiesDir, aibom }
}

function makeTokens(keys: KeyFile): Tokens {
  return {
    honest: Array.from({ length: CALLERS }, (_, n) => keys.add(`honest-${n}`, ['admin'])),
    reader: keys.add('reader', ['lineage:read']),
    flooder: keys.add('flooder', ['lineage:read']),
    revoked: keys.add('revoked', ['admin'], true),
  }
}

function readBill(): { aibom: JsonObject; publicKey: string } {
  const vectors = JSON.parse(readFileSync(join(root, 'docs/vectors/aibom.json'), 'utf8'))
  return { aibom: vectors.detached_jcs[0].aibom, publicKey: vectors.keys[0].public_pem }
}
