// Runs the whole control plane on this machine without containers: PostgreSQL, the schema, the three
// services and the gateway. Everything it keeps is in .data/.
//
// Exit codes: 0 after Ctrl-C, SIGTERM or SIGHUP; 1 when something could not start.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIdentityKey } from '@ai-governance/common/callers/identity'
import { Failure } from '../failure.ts'
import { ensureSigner } from '../signing-key.ts'
import { hasDatabase, makeFolders, makeIdentityKeys, makeSignerFolder } from './data-folder.ts'
import { startDatabase } from './database-server.ts'
import { explainFileFault } from './file-fault.ts'
import { issuerWarning } from './issuer-fault.ts'
import { takeLock } from './lock.ts'
import { policyWarnings } from './policy-warnings.ts'
import { isFree, listenerOn } from './ports.ts'
import { readinessAt } from './readiness.ts'
import { screen } from './screen.ts'
import { ensureSecrets } from './secrets.ts'
import { planServices, type ServicePlan } from './services.ts'
import { readSettings, type Settings } from './settings.ts'
import { stopRequests } from './stop-requests.ts'
import { endLeftoverService, type Supervised, supervise } from './supervisor.ts'

const root = join(import.meta.dirname, '..', '..')
const data = join(root, '.data')
const began = process.hrtime.bigint()

function say(line: string): void {
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${line}\n`)
}

/** Thrown at the next step when a person asked to stop while the stack was coming up. */
class Stopped extends Error {}

async function main(): Promise<void> {
  const settings = readSettings(root, process.env)
  const stop = stopRequests(process)
  makeFolders(data)
  const unlock = takeLock(join(data, 'lock'), join('local', 'start.ts'))
  // What has to be undone, in the order of its making.
  const undo: Array<() => Promise<void> | void> = [unlock]
  try {
    await bringUp(settings, stop.first, stop.second, undo)
    await new Promise((resolve) => stop.first.addEventListener('abort', resolve, { once: true }))
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  } finally {
    say('stopping')
    for (const step of undo.reverse()) await step()
  }
  say('stopped')
}

async function bringUp(
  settings: Settings,
  stop: AbortSignal,
  force: AbortSignal,
  undo: Array<() => Promise<void> | void>,
): Promise<void> {
  const go = () => {
    if (stop.aborted) throw new Stopped()
  }
  const isMade = hasDatabase(data)
  const secrets = ensureSecrets(join(data, 'secrets'), settings.postgresPassword, isMade)
  const identity = makeIdentityKeys(join(data, 'secrets'))
  const signer = makeSignerFolder(data)
  const { made, warning } = await ensureSigner(signer, settings.auditOrigin)
  if (made) say(`made the key that signs checkpoints, ${made}`)
  const planFor = (postgresPort: number) =>
    planServices(settings, { root, data, secrets, signer, identity, postgresPort })
  for (const plan of planFor(0)) await endLeftoverService(plan, say)
  await checkPorts(planFor(0))
  go()
  say(isMade ? 'starting PostgreSQL' : 'making a PostgreSQL database')
  const database = await startDatabase(data, settings, secrets, say)
  undo.push(() => database.stop())
  say(`PostgreSQL is ready on 127.0.0.1:${database.port}`)
  go()
  const plans = planFor(database.port)
  const backends: Supervised[] = []
  undo.push(() => Promise.all(backends.map((service) => service.stop())).then(() => {}))
  for (const plan of plans.slice(0, -1)) backends.push(startService(plan, force))
  const gateway = startService(plans.at(-1) as ServicePlan, force)
  undo.push(() => gateway.stop())
  await untilReady([...backends, gateway], stop)
  go()
  const unready = await gateway.ready
  const { postgresUser: user, postgresDatabase: name } = settings
  const place = { port: database.port, user, name, passwordFile: secrets.owner }
  const policy = plans.find((plan) => plan.name === 'mcp-policy') as ServicePlan
  const doubts = await policyWarnings(
    `http://127.0.0.1:${policy.port}`,
    readIdentityKey(identity.keyFiles['mcp-policy'], 'IDENTITY_KEY_PATH'),
  ).catch((error) => [
    `mcp-policy could not be asked what is doubtful about the policies: ${error.message}`,
  ])
  const issuer =
    unready === undefined ? undefined : issuerWarning(settings.auth.OIDC_ISSUER ?? '', unready)
  const warnings = [issuer, warning, ...doubts].filter((text) => text !== undefined)
  process.stdout.write(`${screen(plans, place, warnings, root, data)}\n`)
  if (issuer) void sayWhenReady(plans.at(-1) as ServicePlan, stop)
}

/** Keys of an issuer come when it answers, which may be long after the screen. */
async function sayWhenReady({ name, readyUrl }: ServicePlan, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if ((await readinessAt(readyUrl))?.status === 200) {
      say(`${name} is ready: the keys of OIDC_ISSUER are there`)
      return
    }
    await sleep(2_000, undefined, { signal: stop }).catch(() => {})
  }
}

function startService(plan: ServicePlan, force: AbortSignal): Supervised {
  const service = supervise(plan, say)
  service.ready.then(
    (unready) =>
      say(
        `${plan.name} ${unready === undefined ? 'is ready' : 'runs, not ready yet,'} on 127.0.0.1:${plan.port}`,
      ),
    () => {}, // reported once, by whoever waits for all
  )
  force.addEventListener('abort', () => service.kill())
  return service
}

/**
 * Waits for all. When one failed, the others get a moment to fail too, since one wrong value may concern
 * several, and a person wants to hear of it once.
 */
async function untilReady(services: readonly Supervised[], stop: AbortSignal): Promise<void> {
  const failures: string[] = []
  const all = services.map(({ ready }) =>
    ready.catch((error: Error) => {
      failures.push(error.message)
      throw error
    }),
  )
  const stopped = new Promise<void>((resolve) =>
    stop.addEventListener('abort', () => resolve(), { once: true }),
  )
  try {
    await Promise.race([Promise.all(all), stopped])
  } catch {
    await Promise.race([Promise.allSettled(all), sleep(500), stopped])
    throw new Failure(failures.join('\n\n'))
  }
}

async function checkPorts(plans: readonly ServicePlan[]): Promise<void> {
  const faults: string[] = []
  for (const { name, port, metricsPort } of plans) {
    for (const wanted of [port, metricsPort]) {
      if (await isFree(wanted)) continue
      const fix =
        name === 'mcp-gateway' && wanted === port
          ? 'End that program, or choose another port: GATEWAY_PORT=8090 npm start'
          : 'End that program, then start again'
      const holder = listenerOn(wanted) ?? 'another program'
      faults.push(`Port ${wanted}, which ${name} needs, is in use by ${holder}. ${fix}.`)
    }
  }
  if (faults.length > 0) throw new Failure(faults.join('\n'))
}

// A terminal that went away must not end this process before what it started.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
try {
  await main()
  process.exit(0)
} catch (error) {
  const known = error instanceof Failure ? error : explainFileFault(error, root)
  process.stderr.write(`\n${known?.message ?? (error as Error).stack}\n`)
  process.exit(1)
}
