import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@ai-governance/infra/test-support/database'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** The service over a database of its own, with its password in a file as it is in production. */
export async function startService() {
  const database = await createTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'mcp-audit-test-'))
  const url = new URL(database.auditUrl)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${url.password}\n`, { mode: 0o600 })
  url.password = ''
  const { app, close } = buildApp(
    readConfig({
      DATABASE_URL: url.href,
      DATABASE_PASSWORD_FILE: passwordFile,
      PORT: '80',
      LOG_LEVEL: 'silent',
    }),
  )
  const log = (body: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/log',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return {
    app,
    database,
    log,
    stop: async () => {
      await app.close()
      await close()
      await database.drop()
      rmSync(folder, { recursive: true })
    },
  }
}

export const EVENT = { event_type: 'model.deployed', subject: 'fraud@1.2.3', decision: true }
