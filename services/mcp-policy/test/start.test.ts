import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { SHIPPED, startService } from './service.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-policy-start-'))
})
after(() => rmSync(folder, { recursive: true }))

const refuses = (env: Record<string, string>, message: RegExp) =>
  assert.rejects(startService(env), (error: Error) => {
    assert.ok(error instanceof EnvironmentError)
    assert.match(error.message, message)
    return true
  })

test('without a policy folder, or with an empty one, the service does not start', async () => {
  await refuses({ POLICIES_DIR: join(folder, 'none') }, /POLICIES_DIR names .*ENOENT/)
  await refuses({ POLICIES_DIR: folder }, /no_policy/)
})

test('a broken policy is shown by file, line and column', async () => {
  writeFileSync(join(folder, 'p.yml'), 'policy: p\nversion: 1.0.0\ninputs: {}\nrules:\n  - id: a\n')
  await refuses({ POLICIES_DIR: folder }, /p\.yml:5:\d+ [a-z_]+ /)
})

test('a key file that holds anything but Ed25519 public keys is refused by name', async () => {
  const path = join(folder, 'key.pem')
  const env = { POLICIES_DIR: SHIPPED, AIBOM_PUBLIC_KEY_PATH: path }
  await refuses(env, /AIBOM_PUBLIC_KEY_PATH .*ENOENT/)
  writeFileSync(path, 'no key here')
  await refuses(env, /no PEM block/)
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await refuses(env, /PRIVATE KEY/)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(path, rsa.publicKey.export({ format: 'pem', type: 'spki' }))
  await refuses(env, /of type rsa/)
  writeFileSync(path, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')
  await refuses(env, /no public key/)
})

test('wrong variables are named', async () => {
  await refuses({ AIBOM_REQUIRED: 'yes', GATE_SLA_MS: '1.5s' }, /AIBOM_REQUIRED[\s\S]*GATE_SLA_MS/)
})

test('an address of mcp-audit without the key for it, or with one that is none, is refused', async () => {
  const AUDIT_URL = 'http://mcp-audit:8000'
  const path = join(folder, 'identity.key')
  await refuses({ AUDIT_URL }, /AUDIT_IDENTITY_KEY_PATH is not/)
  const env = { AUDIT_URL, AUDIT_IDENTITY_KEY_PATH: path }
  await refuses(env, /AUDIT_IDENTITY_KEY_PATH.*ENOENT/)
  writeFileSync(path, 'short')
  await refuses(env, /AUDIT_IDENTITY_KEY_PATH.*32 bytes/)
})

test('an address of mcp-audit is http, a name and a port', async () => {
  for (const AUDIT_URL of [
    'mcp-audit:8000',
    'https://mcp-audit',
    'http://mcp-audit:8000/',
    'http://mcp-audit/log',
    'http://user@mcp-audit',
    'http://mcp-audit:99999',
    'http://MCP-AUDIT',
  ]) {
    await refuses({ AUDIT_URL }, /AUDIT_URL has a wrong value/)
  }
})
