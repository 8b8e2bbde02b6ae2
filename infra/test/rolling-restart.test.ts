import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { ensureIdentityKeys } from '../identity-keys.ts'
import { freePort } from '../local/ports.ts'
import { createTestDatabase } from '../test-support/database.ts'
import { KINDS, type Kind, startClients } from '../test-support/mixed-clients.ts'
import { REPLICA_ADDRESSES, RESOLVING } from '../test-support/replica-addresses.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { type ServiceProcess, serviceProcess } from '../test-support/service-process.ts'

const ROUNDS = 2

for (const name of ['mcp-policy', 'mcp-audit', 'mcp-lineage']) {
  test(`each of two replicas of ${name} is restarted twice under 24 clients: no request fails`, async (t) => {
    const folder = scratchFolder(t)
    const database = await createTestDatabase()
    t.after(() => database.drop())
    const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
    await makeAuditKey(signer)
    const env: Record<string, Record<string, string>> = {
      'mcp-policy': { POLICIES_DIR: join(import.meta.dirname, '..', '..', 'policies') },
      'mcp-audit': {
        DATABASE_URL: database.auditUrl,
        AUDIT_SIGNING_KEY_PATH: signer.keyFile,
        AUDIT_SIGNER_STATE_PATH: signer.stateFile,
      },
      'mcp-lineage': { DATABASE_URL: database.lineageUrl },
    }
    const secretFile = join(folder, 'identity-secret')
    const IDENTITY_KEY_PATH = join(folder, 'identity-key')
    ensureIdentityKeys({ secretFile, keys: { [name]: [IDENTITY_KEY_PATH] } }, 0o600)
    const port = await freePort()
    const replicas = REPLICA_ADDRESSES.map((HOST) =>
      serviceProcess({
        ...{ name, port, logFile: join(folder, `${HOST.replaceAll(':', '_')}.log`) },
        env: { ...env[name], HOST, IDENTITY_KEY_PATH },
      }),
    )
    const gateway = serviceProcess({
      name: 'mcp-gateway',
      port: await freePort(),
      env: {
        MCP_DIRECTORY: JSON.stringify({ [name]: `http://${name}:${port}` }),
        ...RESOLVING.env,
        IDENTITY_SECRET_PATH: secretFile,
      },
      logFile: join(folder, 'gateway.log'),
      nodeArgs: RESOLVING.nodeArgs,
    })
    const all = [...replicas, gateway]
    t.after(() => Promise.all(all.map((one) => one.end('SIGKILL'))))
    await Promise.all(all.map((one) => one.start()))

    const clients = startClients(gateway.url, KINDS[name] as Kind[], 24)
    await restartEach(replicas, clients.tally)
    const { answered, failures } = await clients.end()
    assert.deepEqual(failures, [], `${failures.length} beside ${answered}`)
    for (const { log } of replicas) assert.match(log(), /"request"/, 'a replica had nothing to do')
  })
}

/** As an orchestrator does: the next one once the one before answers. */
async function restartEach(
  replicas: readonly ServiceProcess[],
  tally: { answered: number },
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const replica of replicas) {
      const goal = tally.answered + 300
      while (tally.answered < goal) await sleep(10)
      assert.equal(await replica.end('SIGTERM'), 0)
      await replica.start()
    }
  }
}
