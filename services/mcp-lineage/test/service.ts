import { createTestDatabase, type TestDatabase } from '@ai-governance/infra/test-support/database'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** The service over a database of its own, or over one that is there. */
export async function startService(given?: TestDatabase) {
  const database = given ?? (await createTestDatabase())
  const { app, close } = buildApp(
    readConfig({ DATABASE_URL: database.lineageUrl, PORT: '80', LOG_LEVEL: 'silent' }),
  )
  const register = (body: unknown, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/register',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const get = async (url: string) => (await app.inject({ url })).json()
  /** Lets go of the database and leaves it there. */
  const end = async () => {
    await app.close()
    await close()
  }
  return {
    app,
    database,
    register,
    get,
    end,
    stop: async () => {
      await end()
      await database.drop()
    },
  }
}

export const MODEL = {
  model_id: 'fraud-detector',
  version: '1.2.3',
  created_by: 'ann',
  artifacts: ['sha256:aa', 'sha256:bb'],
}
