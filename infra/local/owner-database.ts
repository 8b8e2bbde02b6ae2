import { Client, escapeIdentifier } from 'pg'

/**
 * Makes a database unless there is one of that name. A cluster fresh from initdb has only `postgres`.
 *
 * @param connectionString the owner's, with password, to any database of the server
 */
export async function ensureDatabase(connectionString: string, name: string): Promise<void> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}
