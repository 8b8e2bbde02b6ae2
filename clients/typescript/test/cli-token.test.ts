import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { aigov } from './aigov.ts'
import { scratch } from './scratch.ts'
import { json, problem, serve } from './server.ts'

const TOKEN = `mcp_abcdefgh_${'s3cr3T-_'.repeat(6).slice(0, 43)}`
const DECISION = { allowed: true, reasons: [] }
const VALIDATE = ['validate', '-', '--json']
const run = (url: string, env: Record<string, string>, args: readonly string[] = VALIDATE) =>
  aigov(args, { input: '{"a":1}', env: { AIGOV_URL: url, ...env } })

test('AIGOV_TOKEN is sent with each call', async (t) => {
  const { url, received } = await serve(t, (response) => json(response, DECISION))
  assert.equal((await run(url, { AIGOV_TOKEN: `${TOKEN}\n` })).code, 0)
  assert.equal(received[0]?.headers.authorization, `Bearer ${TOKEN}`)
})

test('AIGOV_TOKEN_FILE is read anew for each attempt', async (t) => {
  const file = join(scratch(t), 'token')
  writeFileSync(file, 'first\n')
  const { url, received } = await serve(t, (response, _request, number) => {
    writeFileSync(file, 'second')
    if (number === 0) problem(response, 503, 'overloaded')
    else json(response, DECISION)
  })
  assert.equal((await run(url, { AIGOV_TOKEN_FILE: file })).code, 0)
  assert.deepEqual(
    received.map(({ headers }) => headers.authorization),
    ['Bearer first', 'Bearer second'],
  )
})

test('what is wrong with the credentials of the environment is said before anything is sent', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'empty'), '')
  const { url, received } = await serve(t, (response) => json(response, DECISION))
  for (const [env, said] of [
    [{ AIGOV_TOKEN: TOKEN, AIGOV_TOKEN_FILE: 'x' }, /one of AIGOV_TOKEN and AIGOV_TOKEN_FILE/],
    [{ AIGOV_TOKEN_FILE: join(folder, 'none') }, /cannot be read \(ENOENT\)/],
    [{ AIGOV_TOKEN_FILE: join(folder, 'empty') }, /a token is 1 to/],
    [{ AIGOV_TOKEN: 'two words' }, /a token is 1 to/],
    [{ AIGOV_TOKEN: TOKEN, AIGOV_ALLOW_INSECURE: 'perhaps' }, /true or false/],
    [{ AIGOV_TOKEN: TOKEN, AIGOV_URL: 'http://gov.example.org' }, /AIGOV_ALLOW_INSECURE=true/],
  ] as const) {
    const { code, out, err } = await run(url, env)
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, said)
    assert.doesNotMatch(err, /s3cr3T|two words/)
  }
  assert.equal(received.length, 0)
})

test('AIGOV_ALLOW_INSECURE lets a token out over http', async () => {
  const env = { AIGOV_TOKEN: TOKEN, AIGOV_ALLOW_INSECURE: 'true' }
  const args = [...VALIDATE, '--timeout', '1']
  assert.equal((await run('http://gateway.invalid:1', env, args)).code, 6)
})

for (const [status, code, said] of [
  [401, 'unauthorized', /AIGOV_TOKEN/],
  [403, 'insufficient_scope', /--scope/],
  [429, 'rate_limited', /Ask less often/],
] as const) {
  test(`a command that is answered ${status} ${code} ends with 7 and says what to do`, async (t) => {
    const { url } = await serve(t, (response) =>
      problem(response, status, code, { 'retry-after': '31' }),
    )
    const { code: exit, out, err } = await run(url, { AIGOV_TOKEN: TOKEN })
    assert.deepEqual([exit, out], [7, ''])
    assert.match(err, new RegExp(`^${code} \\(${status}\\): `))
    assert.match(err, said)
    assert.doesNotMatch(err, /s3cr3T/)
  })
}

test('a token on the command line is refused and not repeated', async () => {
  for (const args of [
    ['status', '--token', TOKEN],
    [`--token=${TOKEN}`, 'status'],
  ]) {
    const { code, out, err } = await aigov(args)
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /AIGOV_TOKEN_FILE/)
    assert.doesNotMatch(err, /s3cr3T/)
  }
})

test('status says that the caller is refused, not that services are not ready', async (t) => {
  const { url } = await serve(t, (response, { url: path }) => {
    if (path === '/healthz' || path === '/readyz') json(response, { ok: true })
    else if (path === '/mcp') json(response, { services: ['mcp-audit'], directory: {} })
    else problem(response, 401, 'unauthorized')
  })
  const { code, out, err } = await run(url, { AIGOV_TOKEN: TOKEN }, ['status'])
  assert.deepEqual([code, out], [7, ''])
  assert.match(err, /^unauthorized \(401\)/)
})

test('status goes on without the policies where the key is not for them', async (t) => {
  const { url } = await serve(t, (response, { url: path }) => {
    if (path === '/mcp') json(response, { services: ['mcp-policy'], directory: {} })
    else if (path === '/mcp-policy/policies') problem(response, 403, 'insufficient_scope')
    else json(response, { ok: true })
  })
  const { code, out } = await run(url, { AIGOV_TOKEN: TOKEN }, ['status', '--json'])
  assert.deepEqual([code, JSON.parse(out).ready, JSON.parse(out).policy], [0, true, null])
})
