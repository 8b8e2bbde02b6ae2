import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { issuerFault, issuerWarning, lacksOnlyIssuer } from '../local/issuer-fault.ts'
import { freePort } from '../local/ports.ts'
import { readinessAt } from '../local/readiness.ts'
import { supervise } from '../local/supervisor.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const root = join(import.meta.dirname, '..', '..')

/** The gateway under a supervisor, as npm start runs it, before a service that answers and an issuer that does not. */
async function startGateway(t: TestContext) {
  const folder = scratchFolder(t)
  const service = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => service.close())
  const secret = join(folder, 'secret')
  writeFileSync(secret, randomBytes(32).toString('base64url'))
  const issuer = `http://127.0.0.1:${await freePort()}`
  const port = String(await freePort())
  const directory = { 'mcp-audit': `http://127.0.0.1:${(service.address() as AddressInfo).port}` }
  const readyUrl = `http://127.0.0.1:${port}/readyz`
  const supervised = supervise(
    {
      name: 'mcp-gateway',
      script: join(root, 'services', 'mcp-gateway', 'src', 'main.ts'),
      cwd: folder,
      env: {
        ...{ PORT: port, MCP_DIRECTORY: JSON.stringify(directory), IDENTITY_SECRET_PATH: secret },
        ...{ AUTH_MODE: 'oidc', OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'https://gov.example.org' },
      },
      logFile: join(folder, 'log'),
      pidFile: join(folder, 'pid'),
      readyUrl,
      isStarted: lacksOnlyIssuer,
    },
    () => {},
  )
  t.after(() => supervised.stop())
  return { supervised, issuer, readyUrl }
}

test('the gateway starts under npm start without its issuer, and the terminal says which variable and why', async (t) => {
  const { supervised, issuer, readyUrl } = await startGateway(t)
  const unready = await supervised.ready
  assert.ok(unready !== undefined)
  assert.deepEqual(await readinessAt(readyUrl), { status: 503, missing: ['oidc_issuer'] })
  const warning = issuerWarning(issuer, unready)
  assert.match(
    warning,
    /^OIDC_ISSUER gives no keys \(.*ECONNREFUSED.*\), so every token is answered 503/,
  )
  assert.ok(warning.includes(`${issuer}/.well-known/openid-configuration`))
  assert.ok(!warning.includes('\n'))
})

test('it is waited for while it asks its issuer for the first time, and not for ever where it logs nothing', () => {
  const said = '{"level":"error","fault":"a \\"quoted\\" word","msg":"OIDC_ISSUER gives no keys"}\n'
  const rows: [missing: string[], output: string, waited: number, isStarted: boolean][] = [
    [['oidc_issuer'], '', 14_000, false],
    [['oidc_issuer'], said, 0, true],
    [['oidc_issuer'], '', 16_000, true],
    [['mcp-audit', 'oidc_issuer'], said, 16_000, false],
    [[], said, 16_000, false],
  ]
  for (const [missing, output, waited, isStarted] of rows) {
    assert.equal(lacksOnlyIssuer({ missing, output, waited }), isStarted, `${missing} ${waited}`)
  }
  assert.equal(issuerFault(`${said}{"msg":"other"}\n`), 'a "quoted" word')
  assert.equal(issuerFault('{"msg":"OIDC_ISSUER gives no keys"}'), undefined)
})
