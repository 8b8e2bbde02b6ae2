import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aigov, start } from './aigov.ts'
import { exportOf } from './entries.ts'
import { deadUrl, json, problem, serve } from './server.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aigov-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text)
  return name
}
const LINES = exportOf([{}, {}, {}])
const COMMANDS = [
  ...[['status'], ['register'], ['validate'], ['log'], ['export'], ['verify'], ['aibom']],
  ...[
    ['aibom', 'keygen'],
    ['aibom', 'sign'],
    ['aibom', 'verify'],
  ],
]

for (const command of [[], ...COMMANDS]) {
  test(`aigov ${command.join(' ')} --help shows an example on standard output`, async () => {
    const { code, out, err } = await aigov([...command, '--help'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, new RegExp(`Examples?:[\\s\\S]*aigov ${command.join(' ')}`))
  })
}

test('the help names every exit code', async () => {
  const { out } = await aigov(['--help'])
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 130])
    assert.match(out, new RegExp(`^  ${code} `, 'm'))
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
  const { code, err } = await aigov(args)
  assert.equal(code, 7)
  assert.match(err, /may or may not have been made/)
})

test('nothing that a server says reaches the terminal as a control character', async (t) => {
  const evil = '\u001b[2J\u0007\u009b31m\u202e\n\r\u2028'
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
    assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/)
    if (args.includes('--json')) assert.equal(JSON.parse(out).reasons[0], evil)
  }
})

test('an export that verifies is exit code 0, from a file and from standard input', async () => {
  const file = write('good.ndjson', `${LINES.join('\n')}\n`)
  const fromFile = await aigov(['verify', file], { cwd })
  assert.deepEqual([fromFile.code, fromFile.err], [0, ''])
  assert.match(fromFile.out, /^VERIFIED {2}3 entries \(1 to 3\)/)
  const fromInput = await aigov(['verify', '-', '--json'], { input: LINES.join('\n') })
  assert.equal(fromInput.code, 0)
  assert.deepEqual([JSON.parse(fromInput.out).ok, JSON.parse(fromInput.out).last_id], [true, 3])
})

test('an export that does not verify is exit code 4 and names the entry', async () => {
  const changed = LINES.map((line, i) =>
    i === 1 ? line.replace('"decision":true', '"decision":false') : line,
  )
  const { code, out } = await aigov(['verify', write('bad.ndjson', changed.join('\n'))], { cwd })
  assert.equal(code, 4)
  assert.match(out, /^NOT VERIFIED {2}bad\.ndjson, line 2, entry 2: entry_hash/)
  const cut = await aigov(['verify', '-', '--json'], { input: LINES.slice(0, 2).join('\n') })
  assert.deepEqual([cut.code, JSON.parse(cut.out).complete], [4, false])
})

test('an export gets its name when it is complete, and is never replaced unasked', async (t) => {
  const { url } = await serve(t, (response) => response.end(`${LINES.join('\n')}\n`))
  const args = ['export', '--url', url, '--out', 'out.ndjson']
  const { code, out, err } = await aigov(args, { cwd })
  assert.deepEqual([code, out], [0, ''])
  assert.match(err, /Exported 3 entries/)
  assert.equal(readFileSync(join(cwd, 'out.ndjson'), 'utf8'), `${LINES.join('\n')}\n`)
  assert.equal((await aigov(args, { cwd })).code, 2)
  assert.equal((await aigov([...args, '--force'], { cwd })).code, 0)
})

for (const [what, end] of [
  [
    'ends without its trailer',
    (text: string, response: { end(text: string): unknown }) => response.end(text),
  ],
  [
    'breaks',
    (_text: string, response: { socket: { destroy(): void } | null }) => response.socket?.destroy(),
  ],
] as [string, (text: string, response: unknown) => void][]) {
  test(`an export that ${what} is exit code 6 and leaves no file`, async (t) => {
    const text = `${LINES.slice(0, 2).join('\n')}\n`
    const { url } = await serve(t, (response) => {
      response.write(text, () => end(text.slice(0, 0), response))
    })
    const folder = mkdtempSync(join(cwd, 'broken-'))
    const { code, err } = await aigov(['export', '--url', url, '--out', 'x.ndjson'], {
      cwd: folder,
    })
    assert.equal(code, 6, err)
    assert.deepEqual(readdirSync(folder), [])
    const toOutput = await aigov(['export', '--url', url])
    assert.deepEqual([toOutput.code, toOutput.out], [6, text])
  })
}

test('an interrupted export is exit code 130 and leaves no file', async (t) => {
  const folder = mkdtempSync(join(cwd, 'interrupted-'))
  const { url } = await serve(t, (response) => response.write(`${LINES[0]}\n`))
  const child = start(['export', '--url', url, '--out', 'x.ndjson'], { cwd: folder })
  while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGINT')
  assert.deepEqual((await once(child, 'close'))[0], 130)
  assert.deepEqual(readdirSync(folder), [])
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
