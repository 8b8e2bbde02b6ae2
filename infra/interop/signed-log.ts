import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { verifierKeyText } from '../../clients/typescript/src/signed-note.ts'
import { makeWitness, startWitness } from '../../clients/typescript/test/witness-log.ts'
import { ensureDatabase } from '../local/owner-database.ts'
import { freePort } from '../local/ports.ts'
import { startPostgres } from '../local/postgres.ts'
import { migrate } from '../migrate.ts'
import { type ServiceProcess, serviceProcess } from '../test-support/service-process.ts'

/** An empty log with all that outsiders meet of it. */
export interface SignedLog {
  /** A connection of the database's owner. */
  owner: Client
  audit: ServiceProcess
  gateway: ServiceProcess
  /** The keys that outsiders pin. */
  verifierKey: string
  witnessKey: string
}

/**
 * Starts PostgreSQL, mcp-audit with a new key, a witness of it and the gateway. What was started is ended by
 * `cleanup`, also when this throws; `folder` is a new one.
 */
export async function startSignedLog(
  folder: string,
  cleanup: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<SignedLog> {
  const { auditUrl, owner } = await startDatabase(folder, cleanup, say)
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey(signer)
  await makeWitness(folder)
  const after = (end: () => unknown) => cleanup.defer(async () => void (await end()))
  const witness = await startWitness({ after }, folder, [verifierKey])
  const witnessKey = verifierKeyText(witness.key)
  const witnesses = join(folder, 'witnesses.txt')
  writeFileSync(witnesses, `${witnessKey} ${witness.url}\n`)
  const start = async (name: string, env: Record<string, string>) => {
    const logFile = join(folder, `${name}.log`)
    const service = serviceProcess({ name, port: await freePort(), env, logFile })
    cleanup.defer(async () => void (await service.end('SIGTERM')))
    await service.start()
    return service
  }
  const audit = await start('mcp-audit', {
    DATABASE_URL: auditUrl,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    AUDIT_WITNESSES_PATH: witnesses,
  })
  const directory = JSON.stringify({ 'mcp-audit': audit.url })
  const gateway = await start('mcp-gateway', { MCP_DIRECTORY: directory })
  return { owner, audit, gateway, verifierKey, witnessKey }
}

async function startDatabase(
  folder: string,
  cleanup: AsyncDisposableStack,
  say: (line: string) => void,
) {
  const port = await freePort()
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    port,
    owner: { user: 'governance', password: 'interop' },
    say,
  })
  cleanup.defer(() => postgres.stop())
  const at = `127.0.0.1:${port}`
  const url = (user: string) => `postgres://${user}:interop@${at}/governance`
  await ensureDatabase(`postgres://governance:interop@${at}/postgres`, 'governance')
  await migrate({
    databaseUrl: `postgres://governance@${at}/governance`,
    ownerPassword: 'interop',
    servicePasswords: { lineage_service: 'interop', audit_service: 'interop' },
  })
  const owner = new Client({ connectionString: url('governance') })
  owner.on('error', () => {})
  await owner.connect()
  cleanup.defer(() => owner.end())
  return { auditUrl: url('audit_service'), owner }
}
