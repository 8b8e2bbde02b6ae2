// The action against answers that mean harm or leave its request in doubt.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { freePort } from '../local/ports.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { actionFolder, runStep } from './action-step.ts'

const root = join(import.meta.dirname, '..', '..')

interface Commands {
  oneLine(text: string): string
  escapeData(text: string): string
  escapeProperty(text: string): string
  annotation(level: string, title: string, message: string): string
  outputLines(outputs: Record<string, string>, makeDelimiter: () => string): string
}
const load = (file: string) => import(pathToFileURL(join(actionFolder, file)).href)
const commands = (await load('commands.js')) as Commands
const { escapeMarkdown } = (await load('summary.js')) as { escapeMarkdown(text: string): string }

const ATTACK =
  'no%0A::set-output name=allowed::true\n::add-path::/tmp/x\n##[set-output name=allowed;]true' +
  '\n::stop-commands::x | <img src=x> [a](http://x) `b` \\| @all'

test('data of a command cannot end its line, nor can a property end its value', () => {
  assert.equal(commands.escapeData('50%\r\n::x'), '50%25%0D%0A::x')
  assert.equal(commands.escapeProperty('a:b,c%'), 'a%3Ab%2Cc%25')
})

test('control characters, separators, direction marks and half characters become visible escapes', () => {
  assert.equal(
    commands.oneLine('a\u0000\u001b\u007f\u0085\u2028\u202e\ud800b'),
    'a\\u0000\\u001b\\u007f\\u0085\\u2028\\u202e\\ud800b',
  )
})

test('an annotation is one line whatever its title and its message hold', () => {
  const line = commands.annotation('error', 'a,file=x::b\n', ATTACK)
  assert.doesNotMatch(line, /\n|##\[/)
  assert.match(line, /^::error title=a%2Cfile=x%3A%3Ab\\u000a::no%250A::set-output/)
})

test('a value that knows the name of an output cannot set another one', () => {
  let made = 0
  const text = commands.outputLines({ a: 'x\nallowed<<E\ntrue\nE', b: 'y' }, () => `d${++made}`)
  assert.equal(text, 'a<<d1\nx\nallowed<<E\ntrue\nE\nd1\nb<<d2\ny\nd2\n')
})

test('Markdown and HTML lose their meaning, letters do not', () => {
  assert.equal(
    escapeMarkdown('a|b <c> [d](e) `f` \\'),
    ['a&#124;b &#60;c&#62; &#91;d&#93;&#40;e&#41; &#96;f&#96; &#92;'].join(''),
  )
})

test('a policy whose reason holds commands, Markdown and HTML commands nothing', async (t) => {
  const folder = scratchFolder(t)
  const policy = readFileSync(join(root, 'policies/model-policy.yml'), 'utf8')
  const reason = 'reason: The request must name a class of model that the board has admitted.'
  assert.ok(policy.includes(reason))
  const hostile = policy.replace(reason, () => `reason: ${JSON.stringify(ATTACK)}`)
  writeFileSync(join(folder, 'model-policy.yml'), hostile)
  writeFileSync(
    join(folder, 'risk-matrix.yml'),
    readFileSync(join(root, 'policies/risk-matrix.yml')),
  )
  const policyUrl = await startService(t, 'mcp-policy', { POLICIES_DIR: folder })
  const directory = JSON.stringify({ 'mcp-policy': policyUrl })
  const url = await startService(t, 'mcp-gateway', { MCP_DIRECTORY: directory })

  const { code, stdout, outputs, summary, ...step } = await runStep({
    url,
    subject: 'x',
    payload: '{"model_class":"x"}',
  })
  assert.equal(code, 1)
  assert.deepEqual([...new Set(step.commands.map(({ name }) => name))], ['error'])
  assert.match(step.commands[0]?.message ?? '', /^no%0A::set-output .*true\\u000a::add-path/)
  assert.doesNotMatch(stdout, /##\[|[^\P{Cc}\n]/u)
  assert.equal(outputs.allowed, 'false')
  assert.doesNotMatch(summary, /<|\]\(|`|@|http:|name=allowed/)
})

type Answer = (response: ServerResponse, body: string) => void

const json =
  (status: number, body: object, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
const problem = (status: number, code?: string) => json(status, { code, detail: 'because' })

const DECISION = {
  allowed: true,
  reasons: [],
  risk_score: 3,
  risk_level: 'low',
  decision_id: 'd',
  policy: { name: 'p', version: '1', digest: 'sha256:p' },
  input_digest: 'sha256:i',
  aibom: { status: 'absent', format: null, key_id: null, canonical_sha256: null, reason: null },
}
const ENTRY = { id: 7, entry_hash: 'a'.repeat(64) }
const recorded: Answer = (response, body) =>
  json(200, { ...JSON.parse(body), ...ENTRY })(response, body)

/** A server that gives the answers of a list, one after the other, for each of the two paths. */
async function scripted(t: TestContext, validate: Answer[], log: Answer[], seconds = 30) {
  const requests: { path: string; headers: IncomingMessage['headers']; body: string }[] = []
  const lists: Record<string, Answer[]> = {
    '/mcp-policy/validate': validate,
    '/mcp-audit/log': log,
  }
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    const body = (await request.setEncoding('utf8').toArray()).join('')
    const answer = lists[path]?.[requests.filter((one) => one.path === path).length]
    requests.push({ path, headers: request.headers, body })
    ;(answer ?? problem(404, 'not_found'))(response, body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const step = await runStep({
    url,
    subject: 'x',
    payload: '{}',
    token: 'TOKEN',
    'timeout-seconds': String(seconds),
  })
  return { ...step, requests, paths: requests.map(({ path }) => path) }
}

const CUT: Answer = (response) => response.destroy()
const HALF: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"id":', () => response.destroy())
}
const MOVED: Answer = (response) => response.writeHead(307, { location: '/mcp-audit/log' }).end()

const inDoubt: [string, Answer][] = [
  ['502', problem(502, 'upstream_invalid')],
  ['504', problem(504, 'upstream_timeout')],
  ['503 outcome_unknown', problem(503, 'outcome_unknown')],
  ['503 from a proxy, without a code', json(503, {})],
  ['500', problem(500, 'internal_error')],
  ['a cut connection', CUT],
  ['half an answer', HALF],
  ['silence', () => {}],
]
for (const [what, answer] of inDoubt) {
  test(`a record that ends in ${what} is not sent twice, and the job fails`, async (t) => {
    const { code, outputs, paths, ...step } = await scripted(
      t,
      [json(200, DECISION)],
      [answer, recorded],
      what === 'silence' ? 3 : 30,
    )
    assert.equal(code, 1)
    assert.deepEqual(paths, ['/mcp-policy/validate', '/mcp-audit/log'])
    assert.deepEqual([outputs.allowed, outputs['entry-id']], ['false', ''])
    const sentence = step.commands.at(-1)?.message ?? ''
    assert.match(sentence, /is not known, and it was not sent a second time/)
    assert.ok(sentence.includes(outputs['request-id'] as string))
  })
}

test('a record that the control plane says it did not write is sent again', async (t) => {
  const busy = json(503, { code: 'overloaded' }, { 'retry-after': '0' })
  const { code, outputs, requests } = await scripted(
    t,
    [json(200, DECISION)],
    [busy, busy, recorded],
  )
  assert.equal(code, 0)
  assert.deepEqual([outputs.allowed, outputs['entry-id']], ['true', '7'])
  assert.equal(new Set(requests.slice(1).map(({ body }) => body)).size, 1)
  assert.equal(requests.length, 4)
})

test('deciding changes nothing, so it is repeated after every kind of outage', async (t) => {
  const outages = [
    problem(502, 'upstream_invalid'),
    CUT,
    problem(429),
    json(503, {}),
    json(200, DECISION),
  ]
  const { code, paths } = await scripted(t, outages, [recorded])
  assert.equal(code, 0)
  assert.equal(paths.length, outages.length + 1)
})

test('a server that asks for more time than there is gets no second request', async (t) => {
  const later = json(503, { code: 'overloaded' }, { 'retry-after': '60' })
  const { code, paths } = await scripted(t, [later, json(200, DECISION)], [recorded])
  assert.equal(code, 1)
  assert.equal(paths.length, 1)
})

const refusals: [string, Answer, RegExp][] = [
  ['an unknown token', problem(401, 'unauthorized'), /input token does not count there/],
  [
    'a missing scope',
    problem(403, 'insufficient_scope'),
    /scopes policy:evaluate and audit:append/,
  ],
]
for (const [what, answer, sentence] of refusals) {
  test(`${what} fails the job at once, and the message says what to do`, async (t) => {
    const { code, paths, commands } = await scripted(t, [answer], [recorded])
    assert.deepEqual([code, paths], [1, ['/mcp-policy/validate']])
    assert.match(commands.at(-1)?.message ?? '', sentence)
  })
}

test('a record that came too early is sent again', async (t) => {
  const { code, paths } = await scripted(t, [json(200, DECISION)], [problem(429), recorded])
  assert.deepEqual([code, paths.length], [0, 3])
})

test('a redirect is not followed with the token and the payload', async (t) => {
  const { code, paths } = await scripted(t, [MOVED], [recorded])
  assert.equal(code, 1)
  assert.deepEqual(paths, ['/mcp-policy/validate'])
})

test('both requests carry the token and the same request id', async (t) => {
  const { requests, outputs } = await scripted(t, [json(200, DECISION)], [recorded])
  for (const { headers } of requests) {
    assert.equal(headers.authorization, 'Bearer TOKEN')
    assert.equal(headers['x-request-id'], outputs['request-id'])
  }
  assert.match(outputs['request-id'] ?? '', /^[A-Za-z0-9._-]{1,64}$/)
})

const noDecisions: [string, Answer][] = [
  ['a text where allowed should be', json(200, { ...DECISION, allowed: 'true' })],
  ['allowed for reasons that deny', json(200, { ...DECISION, reasons: ['no'] })],
  ['reasons that are no texts', json(200, { ...DECISION, allowed: false, reasons: [1] })],
  ['no policy', json(200, { ...DECISION, policy: undefined })],
  ['a list', json(200, [true])],
  ['a page', (response) => response.end('<html>')],
  ['more than 16 MiB', json(200, { ...DECISION, padding: 'x'.repeat(17 * 1024 * 1024) })],
]
for (const [what, answer] of noDecisions) {
  test(`a decision with ${what} allows nothing`, async (t) => {
    const { code, outputs, paths } = await scripted(t, [answer], [recorded])
    assert.equal(code, 1)
    assert.equal(outputs.allowed, 'false')
    assert.deepEqual(paths, ['/mcp-policy/validate'])
  })
}

const noEntries: [string, object][] = [
  ['another subject', { subject: 'y' }],
  ['the other decision', { decision: false }],
  ['other details', { details: {} }],
  ['no hash', { entry_hash: 'abc' }],
  ['no position', { id: '7' }],
]
for (const [what, change] of noEntries) {
  test(`an entry with ${what} is no evidence`, async (t) => {
    const other: Answer = (response, body) =>
      json(200, { ...JSON.parse(body), ...ENTRY, ...change })(response, body)
    const { code, outputs } = await scripted(t, [json(200, DECISION)], [other])
    assert.equal(code, 1)
    assert.deepEqual([outputs.allowed, outputs['entry-id']], ['false', ''])
  })
}

/** A service of the test's own; resolves with its address when it answers. */
async function startService(
  t: TestContext,
  name: string,
  env: Record<string, string>,
): Promise<string> {
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'services', name, 'src/main.ts')], {
    env: { PORT: String(port), LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  t.after(() => {
    child.kill()
    return ended
  })
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await answers())) {
    assert.equal(child.exitCode, null, `${name} ended`)
    await sleep(20)
  }
  return url
}
