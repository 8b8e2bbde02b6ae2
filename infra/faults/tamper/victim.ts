import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, escapeIdentifier } from 'pg'
import { makeAuditKey } from '../../../clients/typescript/src/audit-key.ts'
import { buildApp as buildAudit } from '../../../services/mcp-audit/src/app.ts'
import { readConfig as auditConfig } from '../../../services/mcp-audit/src/config.ts'
import { buildApp as buildLineage } from '../../../services/mcp-lineage/src/app.ts'
import { readConfig as lineageConfig } from '../../../services/mcp-lineage/src/config.ts'
import type { SignerFiles } from '../../signing-key.ts'
import { fillLog } from '../../test-support/fill-log.ts'
import { asOwner, type DatabaseServer, databaseOf } from '../server.ts'

/** A log with everything in it that a log can hold, of which checkpoints were taken and kept while it grew. */
export interface Victim {
  server: DatabaseServer
  folder: string
  signer: SignerFiles
  verifierKey: string
  size: number
  /** The sizes at which checkpoints were taken, in order; the last one is the whole log. */
  checkpoints: readonly number[]
  /** The file with these checkpoints. */
  notes: string
  /** The last one. */
  lastNote: string
  /** Positions of special entries. */
  erased: number
  eraser: number
  /** How many lineage records there are; each is attested by one of the entries before 100. */
  records: number
}

/** A copy of the victim, to be broken: a database of its own and copies of the signer's files. */
export interface Copy {
  ownerUrl: string
  auditUrl: string
  lineageUrl: string
  signer: SignerFiles
  folder: string
  drop(): Promise<void>
}

/** One instance of a service, which answers without a port. */
export interface Instance {
  get(path: string): Promise<{ status: number; text: string }>
  post(path: string, body: unknown): Promise<{ status: number; text: string }>
  close(): Promise<void>
}

const RECORDS = 4

/** Makes the log in the server's own database, which nobody uses afterwards but to copy it. */
export async function makeVictim(
  server: DatabaseServer,
  folder: string,
  size: number,
): Promise<Victim> {
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey({ ...signer, origin: 'faults.example/audit' })
  const audit = auditInstance(server.auditUrl, signer)
  const lineage = lineageInstance(server.lineageUrl)
  const notes: string[] = []
  const checkpoints = [100, 256, Math.floor(size / 2), Math.floor(size * 0.8), size]
  const erased = 40
  let eraser = 0
  await asOwner(server.ownerUrl, async (owner) => {
    await fillLog(owner, 60)
    for (let n = 1; n <= RECORDS; n++) {
      await lineage.post('/register', {
        model_id: `m${n}`,
        version: '1',
        created_by: 'ann',
        artifacts: [`sha256:${n}`],
        parents: [{ dataset: `d${n}` }],
        metadata: { n },
        aibom: { n },
      })
    }
    const answer = await audit.post(`/events/${erased}/erase`, { reason: 'r', legal_basis: 'l' })
    eraser = JSON.parse(answer.text).audit.id
    for (const at of checkpoints) {
      await fillLog(owner, at)
      notes.push((await audit.get('/checkpoint')).text)
    }
  })
  await audit.close()
  await lineage.close()
  const file = join(folder, 'notes.txt')
  writeFileSync(file, notes.join('\n'))
  return {
    server,
    folder,
    signer,
    verifierKey,
    size,
    checkpoints,
    notes: file,
    lastNote: notes.at(-1) as string,
    erased,
    eraser,
    records: RECORDS,
  }
}

/** Copies the victim under a name of its own. */
export async function copyVictim({ server, folder, signer }: Victim, name: string): Promise<Copy> {
  const own = join(folder, name)
  mkdirSync(own)
  const files = { keyFile: join(own, 'key.pem'), stateFile: join(own, 'state.json') }
  copyFileSync(signer.keyFile, files.keyFile)
  copyFileSync(signer.stateFile, files.stateFile)
  const [copied, admin] = [new URL(server.ownerUrl), databaseOf(server.ownerUrl, 'postgres')]
  const database = escapeIdentifier(name)
  await asOwner(admin, async (owner) => {
    const template = escapeIdentifier(copied.pathname.slice(1))
    await owner.query(`CREATE DATABASE ${database} TEMPLATE ${template}`)
    // The grants on a database itself are not copied with it.
    await owner.query(`GRANT CONNECT ON DATABASE ${database} TO audit_service, lineage_service`)
  })
  return {
    ownerUrl: databaseOf(server.ownerUrl, name),
    auditUrl: databaseOf(server.auditUrl, name),
    lineageUrl: databaseOf(server.lineageUrl, name),
    signer: files,
    folder: own,
    drop: () =>
      asOwner(admin, async (owner) => {
        await owner.query(`DROP DATABASE ${database} WITH (FORCE)`)
      }),
  }
}

/** Runs SQL as a superuser for whom no trigger fires. */
export async function breakIt({ ownerUrl }: Copy, sql: string): Promise<void> {
  const owner = new Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query("SET session_replication_role = 'replica'")
    await owner.query(sql)
  } finally {
    await owner.end()
  }
}

/** mcp-audit as it would be after a start, with nothing in memory. */
export function auditInstance(databaseUrl: string, signer: SignerFiles): Instance {
  const { app, close } = buildAudit(
    auditConfig({
      DATABASE_URL: databaseUrl,
      PORT: '80',
      LOG_LEVEL: 'silent',
      AUDIT_SIGNING_KEY_PATH: signer.keyFile,
      AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    }),
  )
  return instanceOf(app, close)
}

/** mcp-lineage likewise. */
export function lineageInstance(databaseUrl: string): Instance {
  const { app, close } = buildLineage(
    lineageConfig({ DATABASE_URL: databaseUrl, PORT: '80', LOG_LEVEL: 'silent' }),
  )
  return instanceOf(app, close)
}

type Built = ReturnType<typeof buildAudit>

function instanceOf(app: Built['app'], close: Built['close']): Instance {
  return {
    async get(url) {
      const { statusCode, payload } = await app.inject({ url })
      return { status: statusCode, text: payload }
    },
    async post(url, body) {
      const headers = { 'content-type': 'application/json' }
      const payload = JSON.stringify(body)
      const answer = await app.inject({ method: 'POST', url, headers, payload })
      return { status: answer.statusCode, text: answer.payload }
    },
    async close() {
      await app.close()
      await close()
    },
  }
}
