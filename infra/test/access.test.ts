import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteAccess } from '@ai-governance/common/callers/callers'
import { ACCESS as AUDIT } from '../../services/mcp-audit/src/access.ts'
import { ALLOWED_ROUTES } from '../../services/mcp-gateway/src/allowed-routes.ts'
import { ACCESS as LINEAGE } from '../../services/mcp-lineage/src/access.ts'
import { ACCESS as POLICY } from '../../services/mcp-policy/src/access.ts'

const TABLES: Record<string, Readonly<Record<string, RouteAccess>>> = {
  'mcp-lineage': LINEAGE,
  'mcp-policy': POLICY,
  'mcp-audit': AUDIT,
}

/** A path of the gateway's table as the service has it. */
const asRoute = (path: string) =>
  path.startsWith('/tile/') ? '/tile/*' : path.replaceAll(/\{(\w+)\}/g, ':$1')

for (const [service, table] of Object.entries(TABLES)) {
  test(`${service} asks the same of a caller as the gateway in front of it`, () => {
    const atGateway = (ALLOWED_ROUTES[service] ?? [])
      .filter(({ access }) => access !== 'open')
      .map(({ method, path, access }) => [`${method} ${asRoute(path)}`, access])
    // What is for a service that speaks for itself, nobody can reach through the gateway.
    const atService = Object.entries(table).filter(([, access]) => !access.startsWith('service:'))
    assert.deepEqual(Object.fromEntries(atService), Object.fromEntries(atGateway))
  })
}
