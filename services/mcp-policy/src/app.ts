import { type App, createServer } from '@ai-governance/common/server'
import { loadAibomKeys } from './aibom-keys.ts'
import type { Config } from './config.ts'
import { loadPolicies } from './policy-folder.ts'
import { registerRoutes } from './routes.ts'

/** The service without its port. Throws `EnvironmentError` without a valid policy set or with bad keys. */
export async function buildApp(config: Config): Promise<App> {
  const active = await loadPolicies(config.POLICIES_DIR)
  const keys = loadAibomKeys(config.AIBOM_PUBLIC_KEY_PATH)
  const app = createServer({
    name: 'mcp-policy',
    logLevel: config.LOG_LEVEL,
    host: { ports: [config.PORT], allowedHosts: config.GATEWAY_ALLOWED_HOSTS },
    // A service without a valid set does not start, so a running one has what it needs.
    missing: async () => [],
  })
  for (const warning of active.warnings) app.log.warn({ warning }, 'policy warning')
  app.log.info({ digest: active.set.digest, aibom_keys: keys.length }, 'policies are active')
  registerRoutes(app, {
    active,
    keys,
    aibomRequired: config.AIBOM_REQUIRED,
    slaMs: config.GATE_SLA_MS,
    onFault: (error) => app.log.error({ err: error }, 'the policy engine failed, so it denied'),
  })
  return app
}
