import { registerCallers } from '@ai-governance/common/callers/callers'
import { Database } from '@ai-governance/common/database/database'
import { registerDatabaseMetrics } from '@ai-governance/common/database/database-metrics'
import { batchHistograms } from '@ai-governance/common/database/log-queue'
import { type App, createServer } from '@ai-governance/common/http/server'
import { ACCESS } from './access.ts'
import type { Config } from './config.ts'
import { LineageStore } from './lineage-store.ts'
import { Registrar } from './registrar.ts'
import { registerRoutes } from './routes.ts'

/**
 * The service without its port: requests go in through `app`, `close` lets go of the database. Throws
 * `EnvironmentError` if a file of the database or the key cannot be read.
 */
export function buildApp(config: Config): { app: App; close: () => Promise<void> } {
  const database = new Database({
    url: config.DATABASE_URL,
    passwordFile: config.DATABASE_PASSWORD_FILE,
    applicationName: 'mcp-lineage',
    onError: (error) => app.log.warn({ err: error }, 'a database connection was lost'),
  })
  const app = createServer({
    name: 'mcp-lineage',
    logLevel: config.LOG_LEVEL,
    host: { ports: [config.PORT], allowedHosts: config.GATEWAY_ALLOWED_HOSTS },
    missing: () => database.missing(),
  })
  registerCallers(app, { service: 'mcp-lineage', config, access: ACCESS })
  const store = new LineageStore(database)
  const registrar = new Registrar(store, {
    onBatch: batchHistograms(app.metrics, { what: 'register', items: 'Registrations' }),
  })
  registerRoutes(app, { store, registrar })
  registerDatabaseMetrics(app.metrics, database)
  app.metrics.gauge(
    {
      name: 'governance_register_waiting',
      help: 'Registrations that wait for the next batch',
    },
    () => registrar.waiting,
  )
  return {
    app,
    close: async () => {
      await registrar.drained()
      await database.close()
    },
  }
}
