import { Database } from '@ai-governance/common/database/database'
import { type App, createServer } from '@ai-governance/common/http/server'
import { registerAppendRoutes } from './append-routes.ts'
import { Appender } from './appender.ts'
import { auditCounters, registerAuditMetrics } from './audit-metrics.ts'
import { AuditStore } from './audit-store.ts'
import { registerAuditCallers } from './callers.ts'
import type { Config } from './config.ts'
import { registerErasureRoutes } from './erasure-routes.ts'
import { ErasureStore } from './erasure-store.ts'
import { ExportStore } from './export-store.ts'
import { registerGateRoutes } from './gate-routes.ts'
import { GateStore } from './gate-store.ts'
import { KeyPruning } from './key-pruning.ts'
import { registerReadRoutes } from './read-routes.ts'
import { Signer } from './signer/signer.ts'
import { Prover } from './tree/prover.ts'
import { registerTreeRoutes } from './tree-routes.ts'
import { TreeStore } from './tree-store.ts'
import { Turns } from './turns.ts'
import { Verifier } from './verifier.ts'
import { WitnessFeed } from './witness/feed.ts'
import { Witnessed } from './witness/witnessed.ts'
import { readWitnesses } from './witness/witnesses.ts'
import { WitnessStore } from './witness-store.ts'

/**
 * Exports, large pages and searches have so many connections each of the eight for reads. Two keep one export going as
 * fast as it can, and two of the eight are left for small reads.
 */
const LONG_READS = 2

/**
 * The service without its port: requests go in through `app`, `close` lets go of the database. Throws
 * `EnvironmentError` if a file of the database, a key or the list of witnesses cannot be read.
 */
export function buildApp(config: Config): { app: App; close: () => Promise<void> } {
  const witnesses = readWitnesses(config.AUDIT_WITNESSES_PATH)
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
  registerAuditCallers(app, config)
  const store = new AuditStore(database)
  const erasures = new ErasureStore(database)
  const trees = new TreeStore(database)
  const counters = auditCounters(app.metrics)
  const appender = new Appender(store, counters)
  const prover = new Prover(trees)
  const signer = new Signer(trees, prover, {
    keyFile: config.AUDIT_SIGNING_KEY_PATH,
    stateFile: config.AUDIT_SIGNER_STATE_PATH,
    origin: config.AUDIT_ORIGIN,
    onSigning: counters.onSigning,
  })
  const cosignatures = new WitnessStore(database)
  const witnessed = new Witnessed(cosignatures, signer, witnesses)
  const feed = new WitnessFeed(witnesses, { signer, prover, store: cosignatures, log: app.log })
  const verifier = new Verifier(config)
  const pruning = new KeyPruning(store, (error) =>
    app.log.warn({ err: error }, 'idempotency keys could not be pruned'),
  )
  registerAppendRoutes(app, { appender, signer, prover })
  registerReadRoutes(app, {
    ...{ store, lines: new ExportStore(database), signer, prover, verifier, witnessed },
    turns: {
      exports: new Turns(LONG_READS),
      largePages: new Turns(LONG_READS),
      searches: new Turns(LONG_READS),
    },
  })
  registerTreeRoutes(app, { signer, prover, witnessed })
  registerErasureRoutes(app, { store, erasures, onErased: counters.onErased })
  registerAuditMetrics(app.metrics, {
    ...{ database, store, appender, stateFile: config.AUDIT_SIGNER_STATE_PATH },
  })
  registerGateRoutes(app, { store, keys: new GateStore(database), signer, prover })
  return {
    app,
    close: async () => {
      pruning.stop()
      await feed.stop()
      await appender.drained()
      await signer.drained()
      await database.close()
    },
  }
}
