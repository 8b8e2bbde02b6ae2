import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { readCheckpoint } from '../../clients/typescript/src/checkpoint.ts'
import { cosignedAt, readNote, verifierKeyText } from '../../clients/typescript/src/signed-note.ts'
import { aigov } from '../../clients/typescript/test/aigov.ts'
import {
  makeWitness,
  startWitness,
  type WitnessProcess,
} from '../../clients/typescript/test/witness-log.ts'
import { freePort } from '../local/ports.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { scratchFolder } from './scratch.ts'
import { type ServiceProcess, serviceProcess } from './service-process.ts'

const python = join(import.meta.dirname, '../../clients/python/verify_export.py')

/** A witness as a process, which can be started again where it was. */
export interface Watcher {
  folder: string
  process: WitnessProcess
  key: string
}

/**
 * A log with its key, its witnesses and replicas of mcp-audit, all of them running until the end of the test; `audit`
 * starts another one, over another database where one is given.
 */
export async function startWitnessedLog(t: TestContext, { replicas = 1, witnesses = 2 } = {}) {
  const folder = scratchFolder(t)
  const database = await newDatabase(t)
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey(signer)
  const watchers = await Promise.all(
    Array.from({ length: witnesses }, (_, i) => watcher(t, folder, `w${i + 1}`, verifierKey)),
  )
  const list = join(folder, 'witnesses.txt')
  writeFileSync(list, watchers.map(({ key, process }) => `${key} ${process.url}\n`).join(''))
  const audit = async (name: string, { auditUrl }: TestDatabase = database) => {
    const env = {
      DATABASE_URL: auditUrl,
      AUDIT_SIGNING_KEY_PATH: signer.keyFile,
      AUDIT_SIGNER_STATE_PATH: signer.stateFile,
      AUDIT_WITNESSES_PATH: list,
    }
    const logFile = join(folder, `${name}.log`)
    const process = serviceProcess({ name: 'mcp-audit', port: await freePort(), env, logFile })
    t.after(() => process.end('SIGKILL'))
    await process.start()
    return process
  }
  const audits: ServiceProcess[] = []
  for (let n = 1; n <= replicas; n++) audits.push(await audit(`audit-${n}`))
  return { folder, database, signer, verifierKey, watchers, audits, audit }
}

async function watcher(
  t: TestContext,
  parent: string,
  name: string,
  verifierKey: string,
): Promise<Watcher> {
  const folder = join(parent, name)
  mkdirSync(folder)
  await makeWitness(folder, `witness.example/${name}`)
  const process = await startWitness(t, folder, [verifierKey])
  return { folder, process, key: verifierKeyText(process.key) }
}

/** A migrated database until the end of the test. */
export async function newDatabase(t: TestContext): Promise<TestDatabase> {
  const database = await createTestDatabase()
  t.after(() => database.drop())
  return database
}

/** Appends `count` events about `subject`. */
export async function append({ url }: ServiceProcess, count: number, subject = 's'): Promise<void> {
  const events = Array.from({ length: count }, () => ({ event_type: 'a', subject, decision: true }))
  const response = await fetch(`${url}/log/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  })
  assert.equal(response.status, 200)
}

export async function get({ url }: ServiceProcess, path: string) {
  const response = await fetch(`${url}${path}`)
  return { status: response.status, text: await response.text() }
}

/** The newest checkpoint that all witnesses cosigned, once it has at least this size. */
export async function witnessed(audit: ServiceProcess, size: number): Promise<string> {
  for (;;) {
    const { status, text } = await get(audit, '/checkpoint?witnessed=true')
    if (status === 200 && readCheckpoint(text).size >= size) return text
    if (status !== 200) assert.equal(JSON.parse(text).code, 'not_ready')
    await sleep(200)
  }
}

/** Waits for a line in the log of a service. */
export async function logged(service: ServiceProcess, line: RegExp): Promise<void> {
  while (!line.test(service.log())) await sleep(200)
}

/** Whether a witness cosigned the checkpoint in a note. */
export const hasCosigned = (note: string, { process }: Watcher) =>
  cosignedAt(readNote(note), process.key) !== null

/** What both verifiers say of an export by their exit codes, which must be the same. */
export async function verify(
  folder: string,
  text: string,
  key: string,
  required: readonly string[],
) {
  const file = join(folder, 'export.ndjson')
  writeFileSync(file, text)
  const args = [file, '--key', key, ...required.flatMap((one) => ['--require-witness', one])]
  const { code, err } = await aigov(['verify', ...args])
  const inPython = await new Promise<number>((resolve) => {
    const child = execFile('python3', [python, ...args], () => resolve(child.exitCode ?? -1))
  })
  assert.equal(inPython, code, err)
  return code
}

/** Runs SQL as the superuser. */
export async function asOwner({ ownerUrl }: TestDatabase, sql: string, values: unknown[] = []) {
  const client = new Client({ connectionString: ownerUrl })
  await client.connect()
  const { rows } = await client.query(sql, values)
  await client.end()
  return rows
}
