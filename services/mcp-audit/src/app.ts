import { Database } from '@ai-governance/common/database'
import { type App, createServer } from '@ai-governance/common/server'
import { Appender } from './appender.ts'
import { AuditStore } from './audit-store.ts'
import type { Config } from './config.ts'
import { registerRoutes } from './routes.ts'
import { Verifier } from './verifier.ts'

/**
 * The service without its port: requests go in through `app`, `close` lets go of the database. Throws
 * `EnvironmentError` if the password file cannot be read.
 */
export function buildApp(config: Config): { app: App; close: () => Promise<void> } {
  const database = new Database({
    url: config.DATABASE_URL,
    passwordFile: config.DATABASE_PASSWORD_FILE,
    applicationName: 'mcp-audit',
    onError: (error) => app.log.warn({ err: error }, 'a database connection was lost'),
  })
  const app = createServer({
    name: 'mcp-audit',
    logLevel: config.LOG_LEVEL,
    host: { ports: [config.PORT], allowedHosts: config.GATEWAY_ALLOWED_HOSTS },
    missing: () => database.missing(),
  })
  const store = new AuditStore(database)
  const appender = new Appender(store)
  const verifier = new Verifier(config)
  registerRoutes(app, { store, appender, verifier })
  return {
    app,
    close: async () => {
      await appender.drained()
      await database.close()
    },
  }
}
