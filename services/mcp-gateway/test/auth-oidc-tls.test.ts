import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Authority, makeAuthority } from '@ai-governance/infra/test-support/authority'
import { exportJWK } from 'jose'
import { bearer, makeSecret, temporaryFolder, until } from './auth-harness.ts'
import { getBytes, sendRaw } from './harness.ts'
import { AUDIENCE, craft, newIssuer, newSigningKey } from './oidc-issuer.ts'
import { spawnGateway, startProcess } from './process.ts'

const key = newSigningKey('k')
const SERVICES = { 'mcp-audit': 'http://127.0.0.1:9' }

/** An issuer of a company: its keys by https, under a certificate of its own authority. */
async function startCompany(t: TestContext, authority: Authority) {
  const jwk = { ...(await exportJWK(key.publicKey)), kid: key.kid }
  const files = {
    key: readFileSync(authority.serverKey),
    cert: readFileSync(authority.serverCertificate),
  }
  const server = createServer(files, ({ url: path }, response) => {
    const discovery = { issuer: url, jwks_uri: `${url}/jwks` }
    response.end(JSON.stringify(path === '/jwks' ? { keys: [jwk] } : discovery))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(await newIssuer({}), { url })
}

function environment(t: TestContext, url: string, OIDC_CA_PATH?: string): Record<string, string> {
  const { path: IDENTITY_SECRET_PATH } = makeSecret(t)
  return {
    ...{ AUTH_MODE: 'oidc', OIDC_ISSUER: url, OIDC_AUDIENCE: AUDIENCE, IDENTITY_SECRET_PATH },
    ...(OIDC_CA_PATH !== undefined && { OIDC_CA_PATH }),
  }
}

test('an issuer under an authority of the company counts where OIDC_CA_PATH names that, and else says so', async (t) => {
  const authority = await makeAuthority(temporaryFolder(t), { type: 'ip', value: '127.0.0.1' })
  const issuer = await startCompany(t, authority)
  const token = await craft(issuer, key, { scope: 'admin' })
  const ask = async (port: number) =>
    (await sendRaw(port, getBytes(port, '/mcp', [bearer(token)]))).status
  const trusting = await startProcess(
    t,
    SERVICES,
    environment(t, issuer.url, authority.certificate),
  )
  await until(t, async () => (await ask(trusting.port)) === 200)
  const other = await startProcess(t, SERVICES, environment(t, issuer.url))
  await until(t, () => other.output.stdout.includes('name that in OIDC_CA_PATH'))
  assert.equal(await ask(other.port), 503)
})

test('an authority that vouches for another name, or another authority, lets no keys in', async (t) => {
  const authority = await makeAuthority(temporaryFolder(t), {
    type: 'dns',
    value: 'id.example.org',
  })
  const issuer = await startCompany(t, authority)
  const another = await makeAuthority(temporaryFolder(t), { type: 'ip', value: '127.0.0.1' })
  for (const { certificate } of [authority, another]) {
    const gateway = await startProcess(t, SERVICES, environment(t, issuer.url, certificate))
    await until(t, () => gateway.output.stdout.includes('OIDC_ISSUER gives no keys'))
    const bytes = getBytes(gateway.port, '/mcp', [bearer(await craft(issuer, key))])
    assert.equal((await sendRaw(gateway.port, bytes)).status, 503)
  }
})

test('a file of authorities that is missing, empty or broken ends the process with 78 and says what to do', async (t) => {
  const folder = temporaryFolder(t)
  const { certificate, serverKey } = await makeAuthority(folder, { type: 'ip', value: '127.0.0.1' })
  const broken = join(folder, 'broken.pem')
  const text = readFileSync(certificate, 'utf8')
  writeFileSync(broken, `${text}${text.replace(/^M.{20}/m, '')}`)
  const rows: [path: string, words: RegExp][] = [
    [join(folder, 'none.pem'), /cannot be read \(ENOENT\)/],
    [folder, /cannot be read \(EISDIR\)/],
    [serverKey, /holds no certificate/],
    [broken, /holds a certificate that cannot be read/],
  ]
  for (const [path, words] of rows) {
    const env = environment(t, 'https://id.example', path)
    const { child, output } = spawnGateway(t, { PORT: '18999', ...env })
    const [code] = await once(child, 'close')
    assert.equal(code, 78, output.stdout)
    assert.match(output.stderr, /^OIDC_CA_PATH: .*: set it to a PEM file/m)
    assert.match(output.stderr, words)
    assert.ok(!output.stderr.includes('PRIVATE KEY'))
  }
})

test('a file of authorities that is closed to the user of the process is said to be so', (t) => {
  const path = join(temporaryFolder(t), 'authority.pem')
  chmodSync(dirname(path), 0o755)
  writeFileSync(path, '', { mode: 0o000 })
  const script = `
    import { trustWith } from '${new URL('../src/auth/authorities.ts', import.meta.url)}'
    // No file is closed to root.
    if (process.getuid() === 0) process.setuid(54321)
    try { trustWith(process.argv[1]) } catch (error) { console.log(error.message) }
  `
  const flags = ['--input-type=module', '-e', script, path]
  const said = execFileSync(process.execPath, flags, { encoding: 'utf8' })
  assert.match(
    said,
    /^OIDC_CA_PATH: .* cannot be read \(EACCES\): give it, and .* to the user of this process \(\d+\), see/,
  )
})
