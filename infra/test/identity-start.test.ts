import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CALLED_SERVICES } from '../identity-keys.ts'
import { freePort } from '../local/ports.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { serviceProcess } from '../test-support/service-process.ts'

const root = join(import.meta.dirname, '..', '..')
const own = {
  'mcp-lineage': { DATABASE_URL: 'postgres://lineage_service@127.0.0.1:1/governance' },
  'mcp-policy': { POLICIES_DIR: join(root, 'policies') },
  'mcp-audit': { DATABASE_URL: 'postgres://audit_service@127.0.0.1:1/governance' },
}

async function prepare(t: TestContext, name: keyof typeof own, env: Record<string, string>) {
  const logFile = join(scratchFolder(t), 'log')
  const service = serviceProcess({
    ...{ name, port: await freePort(), logFile },
    env: { ...own[name], ...env },
  })
  t.after(() => service.end('SIGTERM'))
  return { service, log: () => readFileSync(logFile, 'utf8') }
}

for (const name of CALLED_SERVICES) {
  test(`the attack: ${name} is started for others to reach, and knows nobody: it refuses, and says what to do`, async (t) => {
    const keyFile = join(scratchFolder(t), 'key')
    writeFileSync(keyFile, randomBytes(32).toString('base64url'))
    const unsafe: Record<string, string>[] = [
      { GATEWAY_BIND: '0.0.0.0' },
      { IDENTITY_KEY_PATH: keyFile, IDENTITY_REQUIRED: 'false' },
    ]
    for (const env of unsafe) {
      const { service, log } = await prepare(t, name, { HOST: '0.0.0.0', ...env })
      await assert.rejects(service.start())
      assert.equal(await service.end('SIGTERM'), 78)
      assert.match(log(), /IDENTITY_KEY_PATH.*HOST to 127\.0\.0\.1/)
    }
  })

  test(`${name} starts for others to reach with its key, and without where the gateway is on loopback`, async (t) => {
    const keyFile = join(scratchFolder(t), 'key')
    writeFileSync(keyFile, randomBytes(32).toString('base64url'))
    for (const env of [{ IDENTITY_KEY_PATH: keyFile }, { GATEWAY_BIND: '127.0.0.1' }]) {
      // Not what counts as loopback, and reached from here all the same.
      const { service } = await prepare(t, name, { HOST: '::ffff:127.0.0.1', ...env })
      await service.start()
      assert.equal(await service.end('SIGTERM'), 0)
    }
  })

  test(`${name} with a key that cannot be read does not start`, async (t) => {
    const keyFile = join(scratchFolder(t), 'key')
    const text = randomBytes(32).toString('hex')
    writeFileSync(keyFile, text)
    const { service, log } = await prepare(t, name, { IDENTITY_KEY_PATH: keyFile })
    await assert.rejects(service.start())
    assert.equal(await service.end('SIGTERM'), 78)
    assert.match(log(), /^IDENTITY_KEY_PATH: /m)
    assert.ok(!log().includes(text))
  })
}
