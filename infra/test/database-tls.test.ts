import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Database } from '@ai-governance/common/database/database'
import { asOwner, type DatabaseServer, startServer } from '../faults/server.ts'
import { makeAuthority } from '../test-support/authority.ts'

const OF_THIS_CONNECTION = { text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' }

let folder: string
let server: DatabaseServer
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'governance-tls-'))
  // Started by root, PostgreSQL runs as another user, who has to get at its files below.
  chmodSync(folder, 0o711)
  server = await startServer(folder)
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Gives the server a certificate of a new authority, ends all connections, and returns the authority's file. */
async function renew(name: string): Promise<string> {
  const made = join(folder, name)
  mkdirSync(made, { mode: 0o711 })
  const { certificate, serverKey, serverCertificate } = await makeAuthority(made, {
    type: 'ip',
    value: '127.0.0.1',
  })
  // PostgreSQL takes a key that its own user alone can read.
  const { uid, gid } = statSync(server.dataDir)
  chownSync(serverKey, uid, gid)
  chmodSync(serverKey, 0o600)
  await asOwner(server.ownerUrl, async (owner) => {
    await owner.query(`ALTER SYSTEM SET ssl_cert_file = '${serverCertificate}'`)
    await owner.query(`ALTER SYSTEM SET ssl_key_file = '${serverKey}'`)
    await owner.query('ALTER SYSTEM SET ssl = on')
    await owner.query('SELECT pg_reload_conf()')
    await owner.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'audit_service'`,
    )
  })
  return certificate
}

test('a renewed authority of the database counts without a restart, and no other does', async (t) => {
  const trusted = join(folder, 'ca.crt')
  copyFileSync(await renew('first'), trusted)
  const database = new Database({
    url: `${server.auditUrl}?sslmode=verify-full&sslrootcert=${trusted}`,
    passwordFile: undefined,
    applicationName: 'test',
    onError: () => {},
  })
  t.after(() => database.close())
  const ask = () => database.read<{ ssl: boolean }>(OF_THIS_CONNECTION)
  assert.deepEqual(await ask(), [{ ssl: true }])
  const second = await renew('second')
  await assert.rejects(ask(), { code: 'database_unavailable' })
  copyFileSync(second, trusted)
  assert.deepEqual(await ask(), [{ ssl: true }])
})

test('an authority that is not there ends the start with a sentence', () => {
  const url = 'postgres://a@db/b?sslmode=verify-full&sslrootcert=/nowhere/ca.crt'
  assert.throws(
    () => new Database({ url, passwordFile: undefined, applicationName: '', onError() {} }),
    {
      name: 'EnvironmentError',
      message:
        'DATABASE_URL names /nowhere/ca.crt, which cannot be read (ENOENT): it must be a PEM file.',
    },
  )
})
