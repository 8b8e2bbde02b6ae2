import type { Command } from 'commander'
import type { Client } from '../client.ts'
import { GovernanceError } from '../errors.ts'
import type { Policies } from '../policy-types.ts'
import type { CallOptions } from '../transport.ts'
import type { Context, Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'

interface Readiness {
  ready: boolean
  /** What is missing, or why nothing is known. */
  missing: string[]
}

interface Status {
  url: string
  ready: boolean
  gateway: Readiness
  services: Record<string, Readiness>
  policy: Pick<Policies, 'name' | 'version' | 'digest' | 'stale' | 'recorded'> | null
}

/** `aigov status` */
export function addStatus(program: Command, run: Runner): void {
  program
    .command('status')
    .description(
      'Show whether the gateway and each service are ready, which policies decide, and whether the folder holds others.',
    )
    .addHelpText(
      'after',
      `
Examples:
  aigov status
  aigov status --url http://127.0.0.1:8080 --json | jq .ready

Exit code 0 if everything is ready, 7 if something is not, 6 if the gateway cannot be reached.`,
    )
    .action((_options: unknown, command: Command) => run(command, show))
}

async function show(context: Context): Promise<void> {
  const client = context.client()
  const options = { signal: context.signal }
  await client.gateway.health(options)
  const [gateway, { services: names }] = await Promise.all([
    readiness(client.gateway.ready(options)),
    client.gateway.directory(options),
  ])
  const known = await Promise.all(
    names.map(
      async (name) => [name, await readiness(client.gateway.serviceReady(name, options))] as const,
    ),
  )
  const services = Object.fromEntries(known)
  const policy = services['mcp-policy']?.ready ? await policies(client, options) : null
  const status: Status = {
    url: context.url,
    ready: gateway.ready && known.every(([, { ready }]) => ready),
    gateway,
    services,
    policy: policy && shown(policy),
  }
  context.result(status, () => linesOf(status))
  if (!status.ready) throw new Exit(EXIT.refused)
}

function shown({ name, version, digest, stale, recorded }: Policies): Status['policy'] {
  return { name, version, digest, stale, recorded }
}

/** The policies that decide; null where the caller may not know them. */
async function policies(client: Client, options: CallOptions): Promise<Policies | null> {
  try {
    return await client.policy.policies(options)
  } catch (error) {
    if (error instanceof GovernanceError && error.code === 'insufficient_scope') return null
    throw error
  }
}

/** Of these an error says nothing about a service. */
const OF_THE_CALLER: readonly string[] = ['aborted', 'unauthorized', 'token_unavailable']

/** An error here is an answer: the service is not ready, and says why. */
async function readiness(call: Promise<unknown>): Promise<Readiness> {
  try {
    await call
    return { ready: true, missing: [] }
  } catch (error) {
    if (!(error instanceof GovernanceError) || OF_THE_CALLER.includes(error.code)) throw error
    const missing = error.errors.map(({ path, message }) => `${path} ${message}`)
    return { ready: false, missing: missing.length > 0 ? missing : [error.message] }
  }
}

function linesOf({ url, gateway, services, policy }: Status): string[] {
  const line = (name: string, { ready, missing }: Readiness) =>
    `${name.padEnd(14)} ${ready ? 'ready' : 'NOT READY'}${missing.length > 0 ? `: ${missing.join('; ')}` : ''}`
  return [
    `${line('mcp-gateway', gateway)}  ${url}`,
    ...Object.entries(services).map(([name, readiness]) => line(name, readiness)),
    ...(policy ? policyLines(policy) : []),
  ]
}

function policyLines({
  name,
  version,
  digest,
  stale,
  recorded,
}: NonNullable<Status['policy']>): string[] {
  const line = `policies       ${name} ${version}, ${digest}${recorded ? '' : ' (not on the audit log)'}`
  if (!stale) return [line]
  const { since, errors } = stale
  return [
    line,
    `STALE          since ${since} the folder holds policies with ${errors.length} error${errors.length === 1 ? '' : 's'}; the ones above go on`,
    ...errors.slice(0, 3).map((error) => `  ${error}`),
  ]
}
