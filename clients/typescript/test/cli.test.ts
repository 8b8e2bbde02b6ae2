import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { EXIT_MEANINGS } from '../src/cli/exit.ts'
import { aigov, start } from './aigov.ts'
import { deadUrl, json, problem, serve } from './server.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aigov-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

const COMMANDS = [
  ...[
    ['status'],
    ['register'],
    ['validate'],
    ['log'],
    ['export'],
    ['verify'],
    ['aibom'],
    ['audit'],
  ],
  ...[
    ['aibom', 'keygen'],
    ['aibom', 'sign'],
    ['aibom', 'verify'],
    ['audit', 'keygen'],
    ['audit', 'key'],
    ['audit', 'checkpoint'],
  ],
  ...[['keys'], ['keys', 'create'], ['keys', 'list'], ['keys', 'revoke']],
]

for (const command of [[], ...COMMANDS]) {
  test(`aigov ${command.join(' ')} --help shows an example on standard output`, async () => {
    const { code, out, err } = await aigov([...command, '--help'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, new RegExp(`Examples?:[\\s\\S]*aigov ${command.join(' ')}`))
  })
}

test('the help says what every exit code means', async () => {
  const { out } = await aigov(['--help'])
  for (const [code, meaning] of Object.entries(EXIT_MEANINGS)) {
    assert.ok(
      out.split('\n').some((line) => line.startsWith(`  ${code} `) && line.endsWith(meaning)),
    )
  }
})

test('aigov --version is that of the package, and register keeps its own option', async () => {
  const manifest = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  const { code, out } = await aigov(['--version'])
  assert.deepEqual([code, out], [0, `${JSON.parse(manifest).version}\n`])
  const register = await aigov(['register', '--version', '1.2.3', '--model-id', 'm'])
  assert.match(register.err, /Nothing says the created_by/)
})

for (const args of [
  [],
  ['nonsense'],
  ['status', '--nonsense'],
  ['validate'],
  ['validate', 'missing.json'],
  ['status', '--timeout', 'soon'],
  ['status', '--timeout', '0'],
  ['status', '--url', 'gateway'],
  ['verify', '.'],
  ['log', '--event-type', 'a', '--subject', 'b'],
  ['log', '--event-type', 'a', '--subject', 'b', '--decision', 'yes'],
  [
    'log',
    '--event-type',
    'a',
    '--subject',
    'b',
    '--decision',
    'true',
    '--details',
    '{"a":1,"a":2}',
  ],
  ['register', '--model-id', 'm', '--version', '1'],
  ['register', '--model-id', 'm', '--version', '1', '--created-by', 'c', '--parent', 'nothing'],
  [
    'register',
    '--model-id',
    'm',
    '--version',
    '1',
    '--created-by',
    'c',
    '--artifact',
    'missing.bin',
  ],
  ['export', '--format', 'xml'],
  ['export', '--from-id', '0'],
  ['aibom', 'sign', 'missing.json'],
  ['audit', 'keygen', '--key', 'key.pem'],
  ['audit', 'keygen', '--key', 'key.pem', '--state', 'state.json', '--origin', 'a b'],
  ['audit', 'checkpoint', '--key', 'missing.vkey'],
  ['audit', 'checkpoint', '--key', 'a+b+c'],
  ['aibom', 'sign', 'missing.json', '--key', 'missing.pem'],
  ['aibom', 'verify', 'missing.json', '--keys', 'missing.pem'],
]) {
  test(`aigov ${args.join(' ')} is refused with a sentence and exit code 2`, async () => {
    const { code, out, err } = await aigov(args, { cwd })
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /\S/)
    assert.doesNotMatch(err, /\n\s+at .*:\d+/)
  })
}

for (const [what, text] of [
  ['no JSON', '{"a":'],
  ['no object', '[1]'],
  ['an object with a name twice', '{"a":1,"a":2}'],
]) {
  test(`input that is ${what} is refused with its name and exit code 2`, async () => {
    const { code, err } = await aigov(['validate', '-'], { input: text as string })
    assert.equal(code, 2)
    assert.match(err, /^Standard input .*\.\n$/)
  })
}

test('a gateway that cannot be reached is exit code 6', async () => {
  const { code, out, err } = await aigov(['status'], { env: { AIGOV_URL: await deadUrl() } })
  assert.deepEqual([code, out], [6, ''])
  assert.match(err, /connection: no answer.*\n.*\n.*--url/)
})

test('a gateway that does not answer in time is exit code 6', async (t) => {
  const { url } = await serve(t, () => {})
  const { code, err } = await aigov(['status', '--url', url, '--timeout', '0.2'])
  assert.equal(code, 6)
  assert.match(err, /deadline/)
})

test('a refusal is exit code 7, and says what is wrong where', async (t) => {
  const { url } = await serve(t, (response) => {
    response.writeHead(400, { 'content-type': 'application/problem+json' })
    const errors = [{ path: 'subject', message: 'is odd' }]
    response.end(
      JSON.stringify({ code: 'invalid_request', detail: 'no', request_id: 'r-1', errors }),
    )
  })
  const args = ['log', '--event-type', 'a', '--subject', 'b', '--decision', 'true', '--url', url]
  const { code, err } = await aigov(args)
  assert.equal(code, 7)
  assert.match(err, /invalid_request \(400\): no\n {2}subject: is odd\nRequest id: r-1/)
})

test('a change whose outcome is unknown says so', async (t) => {
  const { url } = await serve(t, (response) => problem(response, 504, 'upstream_timeout'))
  const args = ['log', '--event-type', 'a', '--subject', 'b', '--decision', 'true', '--url', url]
  const { code, err } = await aigov([...args, '--idempotency-key', 'release-1'])
  assert.equal(code, 7)
  assert.match(
    err,
    /may or may not have been made: send it again with --idempotency-key release-1,/,
  )
})

test('nothing that a server says reaches the terminal as a control character', async (t) => {
  const evil = '\u200b\ufeff\u001b[2J\u0007\u009b31m\u202e\n\r\u2028'
  const { url } = await serve(t, (response, { url: path }) => {
    if (path === '/mcp-audit/log') {
      response.writeHead(400, { 'content-type': 'application/problem+json' })
      const errors = [{ path: evil, message: evil }]
      response.end(JSON.stringify({ code: evil, detail: evil, request_id: evil, errors }))
    } else {
      const text = {
        allowed: false,
        reasons: [evil],
        warnings: [evil],
        waived: [evil],
        risk_score: 1,
        risk_level: evil,
      }
      const rest = { policy: { name: evil, version: evil, digest: evil }, decision_id: evil }
      json(response, {
        ...text,
        ...rest,
        evaluated_at: evil,
        aibom: { status: evil, reason: evil },
      })
    }
  })
  const log = ['log', '--event-type', 'a', '--subject', 'b', '--decision', 'true']
  for (const args of [log, ['validate', '-'], ['validate', '-', '--json']]) {
    const { out, err } = await aigov([...args, '--url', url], { input: '{}' })
    const shown = (out + err).replaceAll('\n', '')
    assert.match(shown, /\\u001b/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\u200b\u2028-\u202e\ufeff]/)
    if (args.includes('--json')) assert.equal(JSON.parse(out).reasons[0], evil)
  }
})

test('a command that waits for standard input ends by Ctrl-C', async () => {
  const child = start(['validate', '-'])
  // The handler is in place when the process has loaded its modules; the signal is repeated until then.
  const ended = once(child, 'close')
  const timer = setInterval(() => child.kill('SIGINT'), 500)
  const [code, signal] = await ended
  clearInterval(timer)
  assert.ok(code === 130 || signal === 'SIGINT')
})

test('Ctrl-C during a change says that it may have been made, and how to ask again', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { url } = await serve(t, () => asked.resolve())
  const args = ['log', '--event-type', 'a', '--subject', 'b', '--decision', 'true', '--url', url]
  const child = start(args)
  const err = text(child.stderr)
  await asked.promise
  child.kill('SIGINT')
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'close'), [130, null])
  assert.match(
    await err,
    /may or may not have been made: send it again with --idempotency-key \S+, /,
  )
})

test('status asks every service that the gateway names, known or not', async (t) => {
  const { url, received } = await serve(t, (response, { url: path }) => {
    if (path === '/mcp') json(response, { services: ['mcp-new', 'mcp/odd', '..'], directory: {} })
    else if (path === '/mcp-new/readyz') problem(response, 503, 'not_ready')
    else json(response, { ok: true })
  })
  const { code, out } = await aigov(['status', '--json', '--url', url])
  assert.equal(code, 7)
  const { services } = JSON.parse(out)
  assert.equal(services['mcp-new'].ready, false)
  assert.ok(received.some(({ url: path }) => path === '/mcp-new/readyz'))
  // A name that cannot be asked is not ready either.
  assert.deepEqual([services['mcp/odd'].ready, services['..'].ready], [false, false])
})

test('of many errors the first are shown', async (t) => {
  const { url } = await serve(t, (response) => {
    response.writeHead(400, { 'content-type': 'application/problem+json' })
    const errors = Array.from({ length: 20_000 }, (_, i) => ({ path: `p${i}`, message: 'm' }))
    response.end(JSON.stringify({ code: 'invalid_request', detail: 'no', errors }))
  })
  const { err } = await aigov(['validate', '-', '--url', url], { input: '{}' })
  assert.match(err, / {2}p19: m\n {2}and 19980 more\n/)
  assert.doesNotMatch(err, /p20:/)
})

test('an answer without the members that are shown is exit code 7, without a stack', async (t) => {
  const { url } = await serve(t, (response) => json(response, { allowed: true, reasons: [] }))
  const { code, out, err } = await aigov(['validate', '-', '--url', url], { input: '{}' })
  assert.deepEqual([code, out], [7, ''])
  assert.match(err, /^invalid_answer: /)
  assert.doesNotMatch(err, /\n\s+at .*:\d+/)
})

test('a denial that is sent as a text allows nothing', async (t) => {
  const { url } = await serve(t, (response) => json(response, { allowed: 'false', reasons: [] }))
  const { code, out } = await aigov(['validate', '-', '--url', url], { input: '{}' })
  assert.deepEqual([code, out], [7, ''])
})
