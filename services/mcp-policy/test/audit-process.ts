import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from '../../../infra/local/ports.ts'
import { createTestDatabase } from '../../../infra/test-support/database.ts'
import { type ServiceProcess, serviceProcess } from '../../../infra/test-support/service-process.ts'

export interface Entry {
  id: number
  event_type: string
  subject: string
  decision: boolean
  actor: string
  entry_hash: string
  created_at: string
  details: Record<string, unknown>
}

export interface Audit extends ServiceProcess {
  /** What is on the log of type `policy.activated`, oldest first. */
  activations(): Promise<Entry[]>
}

/** A real mcp-audit over a database of its own; not started yet. */
export async function prepareAudit(
  t: TestContext,
  { folder, identityKey }: { folder: string; identityKey: string },
): Promise<Audit> {
  const database = await createTestDatabase()
  const port = await freePort()
  const audit = serviceProcess({
    name: 'mcp-audit',
    port,
    env: { DATABASE_URL: database.auditUrl, POLICY_IDENTITY_KEY_PATH: identityKey },
    logFile: join(folder, `audit-${port}.log`),
  })
  t.after(async () => {
    await audit.end('SIGTERM')
    await database.drop()
  })
  const activations = async () => {
    const answer = await fetch(`${audit.url}/events?event_type=policy.activated`)
    return ((await answer.json()) as Entry[]).reverse()
  }
  return { ...audit, activations }
}
