import { randomBytes } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'
import { readServer, type TestServer } from './server-variable.ts'

export interface TestDatabase {
  /** `postgres://…` with password: the owner, a superuser. */
  ownerUrl: string
  /** The login of mcp-audit. */
  auditUrl: string
  /** The login of mcp-lineage. */
  lineageUrl: string
  /** Ends all connections and removes the database. */
  drop(): Promise<void>
}

/**
 * A migrated database of the caller's own on the server that `npm test` started: a clone of its template,
 * made in some 50 ms. Call `drop()` when done.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = readServer(process.env)
  const name = `test_${randomBytes(8).toString('hex')}`
  await onServer(server, async (client) => {
    await client.query(
      `CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE ${escapeIdentifier(server.template)}`,
    )
    // A clone has the template's tables and their grants, but not the grants on the database itself.
    await client.query(
      `UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = $1)
       WHERE datname = $2`,
      [server.template, name],
    )
  })
  const url = (user: string, password: string) =>
    `postgres://${user}:${password}@127.0.0.1:${server.port}/${name}`
  return {
    ownerUrl: url(server.owner, server.ownerPassword),
    auditUrl: url('audit_service', server.auditPassword),
    lineageUrl: url('lineage_service', server.lineagePassword),
    drop: () =>
      onServer(server, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`)
      }),
  }
}

async function onServer(server: TestServer, work: (client: Client) => Promise<void>) {
  const { owner, ownerPassword, port } = server
  const client = new Client({
    connectionString: `postgres://${owner}:${ownerPassword}@127.0.0.1:${port}/postgres`,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
