import { join } from 'node:path'
import type { SignerFiles } from '../signing-key.ts'
import type { IdentityPlaces } from './data-folder.ts'
import { lacksOnlyIssuer } from './issuer-fault.ts'
import type { Secrets } from './secrets.ts'
import type { Settings } from './settings.ts'
import type { Program } from './supervisor.ts'

/** The services behind the gateway with the ports that they have on loopback. */
const backends = [
  { name: 'mcp-lineage', port: 8081, metricsPort: 9181 },
  { name: 'mcp-policy', port: 8082, metricsPort: 9182 },
  { name: 'mcp-audit', port: 8083, metricsPort: 9183 },
] as const

export interface ServicePlan extends Program {
  port: number
  metricsPort: number
}

export interface Places {
  root: string
  /** The `.data` folder. */
  data: string
  secrets: Secrets
  signer: SignerFiles
  identity: IdentityPlaces
  postgresPort: number
}

/** The four services, the gateway last, each with no variable but those it reads. */
export function planServices(settings: Settings, places: Places): ServicePlan[] {
  const own = ownVariables(settings, places)
  const gateway = { name: 'mcp-gateway', port: settings.gatewayPort, metricsPort: 9180 } as const
  return [...backends, gateway].map(({ name, port, metricsPort }) => ({
    name,
    port,
    metricsPort,
    script: join(places.root, 'services', name, 'src', 'main.ts'),
    cwd: places.root,
    logFile: join(places.data, 'logs', `${name}.log`),
    pidFile: join(places.data, 'run', `${name}.pid`),
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    ...(name === 'mcp-gateway' && { isStarted: lacksOnlyIssuer }),
    env: given({
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      LOG_LEVEL: settings.logLevel,
      // Node keeps there what it has compiled, by path and content: a start takes two thirds of the time.
      NODE_COMPILE_CACHE: join(places.data, 'compiled'),
      ...own[name],
    }),
  }))
}

function ownVariables(settings: Settings, { secrets, signer, identity, postgresPort }: Places) {
  const database = (login: string, passwordFile: string) => ({
    DATABASE_URL: `postgres://${login}@127.0.0.1:${postgresPort}/${settings.postgresDatabase}`,
    DATABASE_PASSWORD_FILE: passwordFile,
  })
  const addresses = Object.fromEntries(
    backends.map(({ name, port }) => [name, `http://127.0.0.1:${port}`]),
  )
  const identityOf = (name: keyof IdentityPlaces['keyFiles']) => ({
    IDENTITY_KEY_PATH: identity.keyFiles[name],
    // Where nobody shows who they are, whoever is on this machine may call a service directly too.
    IDENTITY_REQUIRED: String(settings.auth.AUTH_MODE !== 'none'),
  })
  return {
    'mcp-lineage': {
      ...database('lineage_service', secrets.lineageService),
      ...identityOf('mcp-lineage'),
    },
    'mcp-audit': {
      ...identityOf('mcp-audit'),
      ...database('audit_service', secrets.auditService),
      AUDIT_SIGNING_KEY_PATH: signer.keyFile,
      AUDIT_SIGNER_STATE_PATH: signer.stateFile,
      POLICY_IDENTITY_KEY_PATH: identity.policyToAudit,
      AUDIT_WITNESSES_PATH: settings.auditWitnessesPath,
    },
    'mcp-policy': {
      ...identityOf('mcp-policy'),
      POLICIES_DIR: settings.policiesDir,
      AIBOM_PUBLIC_KEY_PATH: settings.aibomPublicKeyPath,
      AIBOM_REQUIRED: settings.aibomRequired,
      GATE_SLA_MS: settings.gateSlaMs,
      AUDIT_URL: addresses['mcp-audit'],
      AUDIT_IDENTITY_KEY_PATH: identity.policyToAudit,
    },
    'mcp-gateway': {
      MCP_DIRECTORY: JSON.stringify(addresses),
      ...settings.auth,
      IDENTITY_SECRET_PATH: identity.secretFile,
      GATEWAY_ALLOWED_HOSTS: settings.gatewayAllowedHosts,
    },
  } satisfies Record<string, Record<string, string | undefined>>
}

function given(variables: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
