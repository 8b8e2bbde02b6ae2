import { registerCallers } from '@ai-governance/common/callers/callers'
import { readIdentityKey } from '@ai-governance/common/callers/identity'
import type { Issuer } from '@ai-governance/common/callers/identity-verifier'
import type { App } from '@ai-governance/common/http/server'
import { ACCESS } from './access.ts'
import type { Config } from './config.ts'
import { POLICY_SERVICE } from './reserved-types.ts'

const POLICY_SCOPES = JSON.stringify(['audit:append', 'audit:read'])

/** mcp-policy speaks for itself alone, and may append and read. */
function policyIssuer(key: Buffer): Issuer {
  return {
    name: 'mcp-policy',
    key,
    mayClaim: ({ sub, svc, scopes }) =>
      sub === POLICY_SERVICE && svc === POLICY_SERVICE && JSON.stringify(scopes) === POLICY_SCOPES,
  }
}

/** Who calls: the gateway, for others or itself, and mcp-policy. @throws EnvironmentError if a key cannot be read */
export function registerAuditCallers(app: App, config: Config): void {
  const path = config.POLICY_IDENTITY_KEY_PATH
  const otherIssuers = path ? [policyIssuer(readIdentityKey(path, 'POLICY_IDENTITY_KEY_PATH'))] : []
  registerCallers(app, { service: 'mcp-audit', config, access: ACCESS, otherIssuers })
}
