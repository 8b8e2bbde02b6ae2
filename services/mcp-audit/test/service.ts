import { createTestDatabase } from '@ai-governance/infra/testing/database'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** The service over a database of its own, reached by `inject` or, after `listen`, over HTTP. */
export async function startService() {
  const database = await createTestDatabase()
  const { app, close } = buildApp(
    readConfig({ DATABASE_URL: database.auditUrl, PORT: '80', LOG_LEVEL: 'silent' }),
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
    },
  }
}

export const EVENT = { event_type: 'model.deployed', subject: 'fraud@1.2.3', decision: true }
