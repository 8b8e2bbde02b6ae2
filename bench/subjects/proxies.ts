import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatApiKeys, hashToken } from '@ai-governance/common/callers/api-keys'
import { makeIdentityKeys } from '@ai-governance/infra/local/data-folder'
import { freePort } from '@ai-governance/infra/local/ports'
import { ensureSigner } from '@ai-governance/infra/signing-key'
import { serviceProcess } from '@ai-governance/infra/test-support/service-process'
import { answers, end } from '../peers/processes.ts'
import { dropDatabase, makeDatabase } from './ground.ts'

const peersFolder = join(import.meta.dirname, '..', 'peers')

/** A proxy in front of mcp-audit (under /mcp-audit) and of a small answer (under /mcp-policy). */
export interface RunningProxy {
  name: string
  url: string
  pid: number
  /** What it wants to see in `Authorization`. */
  token?: string
}

interface Upstreams {
  /** Ports on 127.0.0.1. */
  audit: number
  small: number
  /** The secret under which the gateway signs. */
  secretFile: string
}

/** Where to begin and what to end. */
interface Place {
  folder: string
  cleanup: AsyncDisposableStack
}

/** All proxies, each in front of the same upstreams; nginx only where its path is given. */
export async function startProxies(
  database: { port: number },
  nginx: string | undefined,
  place: Place,
): Promise<RunningProxy[]> {
  const small = await freePort()
  if (nginx) await startNginx(nginx, 'answer', { PORT: small }, place)
  else await startProgram(['proxy-answer.ts', String(small)], small, 'answer', place)
  const upstreams = { small, ...(await startAudit(database, place)) }
  const peers = [await startPeer('as-it-comes', upstreams, place)]
  peers.push(await startPeer('one-line', upstreams, place))
  if (nginx) {
    const ports = { PORT: await freePort(), AUDIT: upstreams.audit, SMALL: small }
    const pid = await startNginx(nginx, 'proxy', ports, place)
    peers.push({ name: NGINX, url: `http://127.0.0.1:${ports.PORT}`, pid })
  }
  const keys = makeApiKey(place.folder)
  const gateway = await startGateway(GATEWAY, {}, upstreams, place)
  const withKeys = await startGateway(WITH_KEY, keys.env, upstreams, place)
  return [...peers, gateway, { ...withKeys, token: keys.token }]
}

export const AS_IT_COMES = '@fastify/http-proxy as it comes'
export const HTTP_PROXY = '@fastify/http-proxy, one line logged'
export const NGINX = 'nginx'
export const GATEWAY = 'the gateway'
export const WITH_KEY = 'the gateway, AUTH_MODE=keys'

/** The database of the mcp-audit behind the proxies. */
const UPSTREAM = 'bench_upstream'

/** mcp-audit over a database of its own, so that no other signs the same log. It takes unsigned calls of the peers. */
async function startAudit(
  database: { port: number },
  { folder, cleanup }: Place,
): Promise<{ audit: number; secretFile: string }> {
  const { auditUrl } = await makeDatabase(database.port, UPSTREAM)
  cleanup.defer(() => dropDatabase(database.port, UPSTREAM))
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  await ensureSigner(signer, undefined)
  const identity = makeIdentityKeys(folder)
  const port = await freePort()
  const service = serviceProcess({
    ...{ name: 'mcp-audit', port, logFile: join(folder, 'audit.log') },
    env: {
      DATABASE_URL: auditUrl,
      IDENTITY_KEY_PATH: identity.keyFiles['mcp-audit'],
      IDENTITY_REQUIRED: 'false',
      POLICY_IDENTITY_KEY_PATH: identity.policyToAudit,
      AUDIT_SIGNING_KEY_PATH: signer.keyFile,
      AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    },
  })
  cleanup.defer(async () => void (await service.end('SIGTERM')))
  await service.start()
  return { audit: port, secretFile: identity.secretFile }
}

async function startGateway(
  name: string,
  env: Record<string, string>,
  { audit, small, secretFile }: Upstreams,
  { folder, cleanup }: Place,
): Promise<RunningProxy> {
  const service = serviceProcess({
    ...{ name: 'mcp-gateway', port: await freePort(), logFile: join(folder, 'gateway.log') },
    env: {
      MCP_DIRECTORY: JSON.stringify({
        'mcp-audit': `http://127.0.0.1:${audit}`,
        'mcp-policy': `http://127.0.0.1:${small}`,
      }),
      IDENTITY_SECRET_PATH: secretFile,
      ...env,
    },
  })
  cleanup.defer(async () => void (await service.end('SIGTERM')))
  await service.start()
  return { name, url: service.url, pid: service.pid() as number }
}

function makeApiKey(folder: string): { token: string; env: Record<string, string> } {
  const id = 'benchkey'
  const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
  const path = join(folder, 'api-keys.json')
  const key = {
    ...{ id, name: 'bench', scopes: ['audit:append', 'audit:read', 'policy:evaluate'] as const },
    ...{ sha256: hashToken(token), created_at: new Date().toISOString() },
    ...{ expires_at: null, revoked_at: null },
  }
  const file = formatApiKeys({ v: 1, keys: [{ ...key, scopes: [...key.scopes] }] })
  writeFileSync(path, file, { mode: 0o600 })
  return { token, env: { AUTH_MODE: 'keys', API_KEYS_PATH: path, RATE_LIMIT_PER_KEY: 'off' } }
}

async function startPeer(
  logs: 'as-it-comes' | 'one-line',
  { audit, small }: Upstreams,
  place: Place,
): Promise<RunningProxy> {
  const port = await freePort()
  const program = ['proxy-peer.ts', String(port), logs, String(audit), String(small)]
  const pid = await startProgram(program, port, logs, place)
  const name = logs === 'one-line' ? HTTP_PROXY : AS_IT_COMES
  return { name, url: `http://127.0.0.1:${port}`, pid }
}

async function startProgram(
  [script, ...options]: [string, ...string[]] | string[],
  port: number,
  log: string,
  place: Place,
): Promise<number> {
  return started(
    [process.execPath, join(peersFolder, script as string), ...options],
    port,
    log,
    place,
  )
}

async function startNginx(
  program: string,
  kind: 'answer' | 'proxy',
  ports: { PORT: number; AUDIT?: number; SMALL?: number },
  place: Place,
): Promise<number> {
  const folder = join(place.folder, `nginx-${kind}`)
  mkdirSync(folder)
  const places = { SERVER: join(folder, 'server.conf'), ...ports }
  const write = (from: string, to: string): void => {
    let text = readFileSync(join(peersFolder, 'nginx', from), 'utf8')
    for (const [name, value] of Object.entries(places)) {
      text = text.replaceAll(`@${name}@`, String(value))
    }
    writeFileSync(join(folder, to), text)
  }
  write('nginx.conf', 'nginx.conf')
  write(`${kind}.conf`, 'server.conf')
  const options = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]
  return started([program, ...options], ports.PORT, `nginx-${kind}`, place)
}

/** Starts a program with its output in a file, and resolves when it answers. */
async function started(
  [program, ...options]: string[],
  port: number,
  log: string,
  { folder, cleanup }: Place,
): Promise<number> {
  const out = openSync(join(folder, `${log}.log`), 'a')
  const child: ChildProcess = spawn(program as string, options, { stdio: ['ignore', out, out] })
  closeSync(out)
  cleanup.defer(() => end(child))
  await answers(`http://127.0.0.1:${port}/`)
  return child.pid as number
}
