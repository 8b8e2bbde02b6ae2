import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { policyWarnings } from '../local/policy-warnings.ts'
import { freePort } from '../local/ports.ts'
import { supervise } from '../local/supervisor.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('the warnings of mcp-policy are told, except that a policy has no tests', async (t) => {
  const folder = scratchFolder(t)
  const root = join(import.meta.dirname, '..', '..')
  const policies = join(folder, 'policies')
  cpSync(join(root, 'policies'), policies, { recursive: true })
  const policy = join(policies, 'model-policy.yml')
  const text = readFileSync(policy, 'utf8')
  const changed = text.replace(/^thresholds:$/m, 'thresholds:\n  nobody_reads_this: 1')
  assert.notEqual(changed, text)
  writeFileSync(policy, changed)
  const key = randomBytes(32)
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, key.toString('base64url'))
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  const service = supervise(
    {
      name: 'mcp-policy',
      script: join(root, 'services', 'mcp-policy', 'src', 'main.ts'),
      cwd: folder,
      env: { PORT: port, POLICIES_DIR: policies, IDENTITY_KEY_PATH: keyFile },
      logFile: join(folder, 'mcp-policy.log'),
      pidFile: join(folder, 'mcp-policy.pid'),
      readyUrl: `${url}/readyz`,
    },
    () => {},
  )
  t.after(() => service.stop())
  await service.ready
  const codes = (await policyWarnings(url, key)).map((warning) => warning.split(' ')[1])
  assert.deepEqual(codes, ['threshold_unused'])
})
