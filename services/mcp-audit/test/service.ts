import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@ai-governance/infra/test-support/database'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** The name under which the tests sign. */
export const ORIGIN = 'example.org/audit'

/** A fresh signing key and the state of a log that nothing was signed of. */
function makeSigner(folder: string) {
  const keyFile = join(folder, 'key.pem')
  const stateFile = join(folder, 'state.json')
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const root = createHash('sha256').digest('base64')
  writeFileSync(stateFile, `${JSON.stringify({ origin: ORIGIN, size: 0, root })}\n`)
  return { keyFile, stateFile, publicKey }
}

/**
 * The service over a database of its own, with its password in a file as it is in production; `signs` also with
 * a key and a state, `policyKey` with the key of mcp-policy, `gatewayKey` with that of the gateway, beside whose calls it
 * then takes unsigned ones.
 */
export async function startService({
  signs = true,
  policyKey,
  gatewayKey,
}: {
  signs?: boolean
  policyKey?: Buffer
  gatewayKey?: Buffer
} = {}) {
  const database = await createTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'mcp-audit-test-'))
  const url = new URL(database.auditUrl)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${url.password}\n`, { mode: 0o600 })
  url.password = ''
  const policyKeyFile = join(folder, 'policy-key')
  if (policyKey) writeFileSync(policyKeyFile, `${policyKey.toString('base64url')}\n`)
  const gatewayKeyFile = join(folder, 'gateway-key')
  if (gatewayKey) writeFileSync(gatewayKeyFile, `${gatewayKey.toString('base64url')}\n`)
  const signer = makeSigner(folder)
  const start = () =>
    buildApp(
      readConfig({
        DATABASE_URL: url.href,
        DATABASE_PASSWORD_FILE: passwordFile,
        PORT: '80',
        LOG_LEVEL: 'silent',
        ...(policyKey && { POLICY_IDENTITY_KEY_PATH: policyKeyFile }),
        ...(gatewayKey && { IDENTITY_KEY_PATH: gatewayKeyFile, IDENTITY_REQUIRED: 'false' }),
        ...(signs && {
          AUDIT_SIGNING_KEY_PATH: signer.keyFile,
          AUDIT_SIGNER_STATE_PATH: signer.stateFile,
        }),
      }),
    )
  const { app, close } = start()
  const log = (body: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/log',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return {
    app,
    database,
    log,
    signer,
    /** Another one over the same database and signer; whoever starts it ends it. */
    start,
    stop: async () => {
      await app.close()
      await close()
      await database.drop()
      rmSync(folder, { recursive: true })
    },
  }
}

export const EVENT = { event_type: 'model.deployed', subject: 'fraud@1.2.3', decision: true }
