import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { roles } from '../smoke/container-roles.ts'
import { parseYaml } from './yaml.ts'

interface ComposeFile {
  services: Record<
    string,
    { volumes?: string[]; networks?: string[]; environment?: Record<string, string> }
  >
  networks: Record<string, { internal?: boolean } | null>
}

const root = join(import.meta.dirname, '..', '..')
const read = (name: string) => parseYaml(readFileSync(join(root, name), 'utf8')) as ComposeFile
const stack = read('docker-compose.yml')
const override = read('docker-compose.witness.yml')

/** Each mount of a volume, with the name of the container in front. */
function mountsOf(volume: string): string[] {
  return Object.entries(stack.services).flatMap(([name, { volumes = [] }]) =>
    volumes.filter((text) => text.startsWith(`${volume}:`)).map((text) => `${name} ${text}`),
  )
}

test('mcp-audit alone has the signing key, which it cannot change, and the state, which it can', () => {
  assert.deepEqual(mountsOf('signer-key'), [
    'secrets signer-key:/signer/key',
    'mcp-audit signer-key:/signer/key:ro',
  ])
  assert.deepEqual(mountsOf('signer-state'), [
    'secrets signer-state:/signer/state',
    'mcp-audit signer-state:/signer/state',
  ])
})

test('each service has a volume of its own with its identity key, and the gateway with the secret, to read only', () => {
  for (const name of ['mcp-lineage', 'mcp-policy', 'mcp-audit', 'mcp-gateway']) {
    assert.deepEqual(mountsOf(`secrets-${name}`), [
      `secrets secrets-${name}:/secrets/${name}`,
      `${name} secrets-${name}:/run/secrets/${name}:ro`,
    ])
  }
})

test('every service is told where its key is, and the gateway where the secret is, out of its own volume', () => {
  const told = Object.entries(stack.services).flatMap(([name, { environment = {} }]) =>
    Object.entries(environment)
      .filter(([variable]) => /^IDENTITY_/.test(variable))
      .map(([variable, value]) => `${name} ${variable}=${value}`),
  )
  assert.deepEqual(told, [
    'mcp-lineage IDENTITY_KEY_PATH=/run/secrets/mcp-lineage/identity_key',
    'mcp-policy IDENTITY_KEY_PATH=/run/secrets/mcp-policy/identity_key',
    'mcp-audit IDENTITY_KEY_PATH=/run/secrets/mcp-audit/identity_key',
    'mcp-gateway IDENTITY_SECRET_PATH=/run/secrets/mcp-gateway/identity_secret',
  ])
})

test('the gateway alone has the API keys, to read only', () => {
  assert.deepEqual(mountsOf('./infra/api-keys'), [
    'mcp-gateway ./infra/api-keys:/app/infra/api-keys:ro',
  ])
})

test('the file for an identity provider gives the gateway a way out and what it trusts, and changes nothing else', () => {
  const { services, networks } = read('docker-compose.oidc.yml')
  const way = { volumes: ['./infra/keys:/app/infra/keys:ro'], networks: ['provider'] }
  assert.deepEqual(services, { 'mcp-gateway': way })
  assert.deepEqual(networks, { provider: null })
})

test('the file for witnesses gives mcp-audit a way out, and changes nothing else', () => {
  const way = { volumes: ['./infra/keys:/app/infra/keys:ro'], networks: ['witnesses'] }
  const { 'mcp-audit': audit, ...others } = override.services
  const { environment, ...given } = audit as typeof audit & { environment: object }
  assert.deepEqual(given, way)
  assert.deepEqual(Object.keys(environment), ['AUDIT_WITNESSES_PATH'])
  assert.deepEqual(others, {})
  assert.deepEqual(override.networks, { witnesses: null })
})

test('without that file no network of mcp-audit has a way out', () => {
  for (const name of roles['mcp-audit']?.networks ?? []) {
    assert.equal(stack.networks[name]?.internal, true)
  }
  assert.deepEqual(stack.services['mcp-audit']?.networks?.toSorted(), roles['mcp-audit']?.networks)
})
