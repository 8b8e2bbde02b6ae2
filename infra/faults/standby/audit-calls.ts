import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/ports.ts'
import type { SignerFiles } from '../../signing-key.ts'
import { type ServiceProcess, serviceProcess } from '../../test-support/service-process.ts'
import { saveExport } from '../campaign.ts'
import { type OfflineVerdict, verifyOffline } from '../offline.ts'

/** What a caller got, as far as the drills ask. */
export interface Answer {
  status: number
  /** Of problem details; '' of others. */
  code: string
  detail: string
  text: string
}

/** An answer in words. */
export const worded = ({ status, code, detail }: Answer) =>
  [status, code, detail].filter(Boolean).join(' ')

/** Calls mcp-audit. */
export async function ask(url: string, body?: object): Promise<Answer> {
  const call = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const answer = await fetch(url, call)
  const text = await answer.text()
  const { code = '', detail = '' } = answer.ok ? {} : JSON.parse(text)
  return { status: answer.status, code, detail, text }
}

/** Appends one entry. */
export const append = (audit: ServiceProcess) =>
  ask(`${audit.url}/log`, { event_type: 'standby.drill', subject: 'drill', decision: true })

/** The checkpoint of a service whose database has just moved: it may need a moment until it has a connection again. */
export async function checkpoint(audit: ServiceProcess): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(`${audit.url}/checkpoint`)
    if (tries === 200 || !answer.code.startsWith('database_')) return answer
    await sleep(50)
  }
}

/** How many entries a note covers: its second line. */
export const sizeOf = (note: string) => Number(note.split('\n')[1])

/** One more mcp-audit, over a database of its own choice. Started. */
export async function startAudit(
  folder: string,
  name: string,
  databaseUrl: string,
  signer: SignerFiles,
): Promise<ServiceProcess> {
  const audit = serviceProcess({
    name: 'mcp-audit',
    port: await freePort(),
    env: {
      DATABASE_URL: databaseUrl,
      AUDIT_SIGNING_KEY_PATH: signer.keyFile,
      AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    },
    logFile: join(folder, `${name}.log`),
  })
  await audit.start()
  return audit
}

/** What both offline verifiers say of an export of this service, held against checkpoints that were kept. */
export async function judgeExport(
  audit: ServiceProcess,
  folder: string,
  { key, notes }: { key: string; notes: readonly string[] },
): Promise<OfflineVerdict> {
  const file = join(folder, 'standby-export.ndjson')
  const kept = join(folder, 'standby-notes.txt')
  await saveExport(audit.url, file)
  writeFileSync(kept, notes.join('\n'))
  return verifyOffline(file, { key, checkpoints: kept })
}

/** A verdict in words. */
export function saidOf({ result, first_bad_id, reason }: OfflineVerdict): string {
  if (reason === null) return result
  return `${result}, ${first_bad_id === null ? '' : `entry ${first_bad_id}: `}${reason}`
}
