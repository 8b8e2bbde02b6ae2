import { resolve } from 'node:path'
import { registerCallers } from '@ai-governance/common/callers/callers'
import { readIdentityKey } from '@ai-governance/common/callers/identity'
import { EnvironmentError } from '@ai-governance/common/environment'
import { type App, createServer } from '@ai-governance/common/http/server'
import { ACCESS } from './access.ts'
import { Activation, type ActivePolicies } from './activation.ts'
import { ActivationLog } from './activation-log.ts'
import { ActivationRecorder } from './activation-recorder.ts'
import { makeAibomJudge } from './aibom-judge.ts'
import { loadAibomKeys } from './aibom-keys.ts'
import { registerAibomRoutes } from './aibom-routes.ts'
import { AuditClient } from './audit-client.ts'
import type { Config } from './config.ts'
import { type FolderRead, readFolder } from './policy-folder.ts'
import { policyCounters, registerPolicyMetrics } from './policy-metrics.ts'
import { PolicyWatch } from './policy-watch.ts'
import { preparePolicies } from './prepare-policies.ts'
import { policyNotes, registerRoutes, registerSchemaRoute } from './routes.ts'

export interface AppOptions {
  /** How long to wait between two looks at the policy folder, in ms. */
  lookEvery?: number
}

/** A changed set is in force within twice this time. */
const LOOK_EVERY = 500

/**
 * The service without its port; it watches its policies until it is closed. Throws `EnvironmentError`
 * without a valid policy set or with bad keys.
 */
export async function buildApp(config: Config, options: AppOptions = {}): Promise<App> {
  const folder = config.POLICIES_DIR
  const read = await readFolder(folder)
  const first = firstPolicies(folder, read)
  const keys = loadAibomKeys(config.AIBOM_PUBLIC_KEY_PATH)
  const entries = activationLog(config)
  const app = createServer({
    name: 'mcp-policy',
    logLevel: config.LOG_LEVEL,
    host: { ports: [config.PORT], allowedHosts: config.GATEWAY_ALLOWED_HOSTS },
    // A service without a valid set does not start, so a running one has what it needs.
    missing: async () => [],
    notes: () => policyNotes(activation),
  })
  const rules = { aibomRequired: config.AIBOM_REQUIRED, slaMs: config.GATE_SLA_MS }
  const settings = { keys, ...rules }
  const recorder = entries && new ActivationRecorder(entries, { log: app.log, settings })
  const onActive = (active: ActivePolicies) => {
    for (const warning of active.warnings) app.log.warn({ warning }, 'policy warning')
    app.log.info({ digest: active.set.digest, aibom_keys: keys.length }, 'policies are active')
    recorder?.record(active)
  }
  const onFault = (err: unknown) => app.log.error({ err }, 'changed policies could not be checked')
  const activation = new Activation(first, {
    onActive,
    onFault,
    onRefused: ({ errors }) =>
      app.log.error(
        { errors, digest: activation.active.set.digest },
        'changed policies are refused',
      ),
    onRestored: () => app.log.info('the folder holds the active policies again'),
  })
  onActive(first)
  const watch = new PolicyWatch({
    ...{ folder, first: read, every: options.lookEvery ?? LOOK_EVERY, onFault },
    onChange: (read) => activation.offer(read, new Date()),
  })
  app.addHook('onClose', async () => {
    await watch.stop()
    await recorder?.stop()
  })
  registerCallers(app, { service: 'mcp-policy', config, access: ACCESS })
  const counters = policyCounters(app.metrics)
  const judge = counters.counted(makeAibomJudge(keys))
  registerRoutes(app, {
    ...{ activation, recorder, entries, judge, ...rules },
    onDecision: counters.onDecision,
    onFault: (error) => {
      counters.onFault()
      app.log.error({ err: error }, 'the policy engine failed, so it denied')
    },
  })
  registerAibomRoutes(app, judge)
  registerSchemaRoute(app)
  registerPolicyMetrics(app.metrics, { activation, recorder })
  return app
}

function firstPolicies(folder: string, read: FolderRead): ActivePolicies {
  const place = resolve(folder)
  if (!read.ok) {
    throw new EnvironmentError([
      `POLICIES_DIR names ${place}, which ${read.fault}: set it to the folder of the policy files.`,
    ])
  }
  const prepared = preparePolicies(read.files)
  if (!prepared.ok) {
    throw new EnvironmentError([
      `The policies in ${place} are not valid, and without them every decision would be a guess:`,
      ...prepared.errors.map((error) => `  ${error}`),
    ])
  }
  const { set, warnings } = prepared
  return { set, warnings, files: read.files, loadedAt: new Date() }
}

/** Null where nothing is recorded. */
function activationLog({ AUDIT_URL, AUDIT_IDENTITY_KEY_PATH }: Config): ActivationLog | null {
  if (!AUDIT_URL || !AUDIT_IDENTITY_KEY_PATH) return null
  const key = readIdentityKey(AUDIT_IDENTITY_KEY_PATH, 'AUDIT_IDENTITY_KEY_PATH')
  return new ActivationLog(new AuditClient({ url: AUDIT_URL, key }))
}
