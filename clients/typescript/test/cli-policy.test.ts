import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { POLICY_EXIT, POLICY_EXIT_MEANINGS } from '../src/cli/policy-exit.ts'
import { aigov, start } from './aigov.ts'
import { ALLOWED, changedPolicies, SHIPPED, scratchFolder } from './policy-folders.ts'
import { logOf, recorderOf } from './recorded-log.ts'
import { deadUrl, json, serve } from './server.ts'

const cwd = scratchFolder()
changedPolicies(cwd, 'policies', [])
const misspelled = changedPolicies(cwd, 'misspelled', [
  ['model-policy.yml', 'field: oversight.human, op: in', 'field: oversight.humam, op: in'],
])
const lenient = changedPolicies(cwd, 'lenient', [
  ['model-policy.yml', 'min_accuracy: 0.85', 'min_accuracy: 0.5'],
])
const policy = (args: readonly string[], options = {}) =>
  aigov(['policy', ...args], { cwd, ...options })
const MAIN = join(import.meta.dirname, '../src/cli/main.ts')
const DIGEST = /^sha256:[0-9a-f]{64}$/

test('the help of the policy commands says what each of their exit codes means', async () => {
  const { out } = await policy(['--help'])
  for (const [code, meaning] of Object.entries(POLICY_EXIT_MEANINGS)) {
    const line = out.split('\n').find((it) => it.startsWith(`  ${code} `))
    assert.ok(line?.endsWith(meaning), code)
  }
  assert.deepEqual(Object.values(POLICY_EXIT).map(String), Object.keys(POLICY_EXIT_MEANINGS))
  for (const name of ['lint', 'test', 'explain', 'diff', 'replay', 'digest']) {
    const help = await policy([name, '--help'])
    assert.deepEqual([help.code, help.err], [0, ''])
    assert.match(help.out, new RegExp(`Examples?:[\\s\\S]*aigov policy ${name}`))
  }
})

const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('the README lists the exit codes that there are, and its commands run in order', async () => {
  const rows = README.matchAll(/^\| `(\d+)` +\| (.*?) +\|$/gm)
  const listed = Object.fromEntries([...rows].map(([, code, meaning]) => [code, meaning]))
  assert.deepEqual(listed, { ...POLICY_EXIT_MEANINGS })
  const folder = join(cwd, 'readme')
  changedPolicies(folder, 'policies', [])
  changedPolicies(folder, 'main/policies', [['risk-matrix.yml', 'deny_at: 30', 'deny_at: 25']])
  const recorder = await recorderOf(SHIPPED)
  const contents = [recorder.activated(), recorder.decided(ALLOWED, new Date(1_764_000_000_000))]
  writeFileSync(join(folder, 'audit.ndjson'), `${logOf(contents).join('\n')}\n`)
  writeFileSync(join(folder, 'payload.json'), '{}')
  const [script] = README.match(/^aigov policy lint\n[\s\S]*?(?=^```)/m) ?? []
  const run = `aigov() { '${process.execPath}' '${MAIN}' "$@"; }\n${script}`
  const { status, stdout, stderr } = spawnSync('sh', ['-eu', '-c', run], { cwd: folder })
  assert.equal(status, 0, `${stdout}${stderr}`)
  for (const text of ['VALID', 'PASSED', 'DENIED', 'deny_at: 25 becomes 30', 'EQUAL  1 of 1']) {
    assert.ok(String(stdout).includes(text), text)
  }
})

test('lint of valid policies is exit code 0, from ./policies unless a folder is named', async () => {
  for (const args of [['lint'], ['lint', SHIPPED]]) {
    const { code, out, err } = await policy(args)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^VALID {2}model-release 2026\.11\.1: \d+ rules, sha256:/)
  }
})

test('lint of wrong policies is exit code 3 and names file, line, column and what was meant', async () => {
  const { code, out } = await policy(['lint', 'misspelled'])
  assert.equal(code, POLICY_EXIT.invalid)
  assert.match(
    out,
    /^misspelled\/model-policy\.yml:\d+:\d+ undeclared_field .*did you mean "oversight\.human"\?$/m,
  )
  assert.match(out, /INVALID {2}\d+ errors? in misspelled\n$/)
  const { errors, ok } = JSON.parse((await policy(['lint', misspelled, '--json'])).out)
  assert.deepEqual(
    [ok, errors[0].file, errors[0].code],
    [false, 'model-policy.yml', 'undeclared_field'],
  )
})

test('lint reads the tests too', async () => {
  const folder = changedPolicies(cwd, 'wrong-tests', [
    ['model-policy.tests.yml', 'reasons: [known-model-class]', 'reasons: [known-model-clas]'],
  ])
  const { code, out } = await policy(['lint', folder])
  assert.equal(code, POLICY_EXIT.invalid)
  assert.match(out, /model-policy\.tests\.yml:\d+:\d+ /)
})

test('the other commands too end with 3 for wrong policies, and say why on standard error', async () => {
  const payload = ['-']
  for (const args of [
    ['test', 'misspelled'],
    ['digest', 'misspelled'],
    ['explain', ...payload, 'misspelled'],
    ['diff', 'policies', 'misspelled'],
    ['diff', 'misspelled', 'policies'],
  ]) {
    const { code, out, err } = await policy(args, { input: '{}' })
    assert.deepEqual([code, out], [POLICY_EXIT.invalid, ''], args.join(' '))
    assert.match(err, /misspelled\/model-policy\.yml:\d+:\d+ undeclared_field /)
  }
})

test('tests that pass are exit code 0; one that fails is 4, with the line of what was expected', async () => {
  const good = await policy(['test'])
  assert.equal(good.code, 0, good.out + good.err)
  assert.match(good.out, /^PASSED {2}(\d+) of \1 cases, /)
  const bad = await policy(['test', lenient])
  assert.equal(bad.code, POLICY_EXIT.failed)
  assert.match(bad.out, /model-policy\.tests\.yml:\d+ test_failed .* should be .* and is /)
  assert.match(bad.out, /FAILED {2}\d+ of \d+ cases/)
})

const NEVER_IN_FORCE =
  '{ id: untested, reason: R., deny: { field: model_class, op: eq, value: speech }, effective_from: "2099-01-01" }'

test('a rule that no test shows broken and kept is exit code 4, where that is demanded', async () => {
  const folder = changedPolicies(cwd, 'uncovered', [
    ['model-policy.yml', 'rules:', `rules:\n  - ${NEVER_IN_FORCE}`],
  ])
  const { code, out } = await policy(['test', folder])
  assert.equal(code, POLICY_EXIT.failed)
  assert.match(
    out,
    /coverage_not_met .*no case shows untested \(model-policy\.yml:\d+\) broken or kept$/m,
  )
})
test('policies without tests are valid, and their test is exit code 4', async () => {
  const folder = changedPolicies(cwd, 'untested', [])
  for (const name of ['model-policy', 'risk-matrix']) rmSync(join(folder, `${name}.tests.yml`))
  const { code, out } = await policy(['lint', folder])
  assert.equal(code, 0)
  assert.match(out, /no_tests .* \(warning\)/)
  assert.equal((await policy(['test', folder])).code, POLICY_EXIT.failed)
})

test('explain is exit code 0 for what is allowed and 1 for what is denied, with every comparison', async () => {
  const allowed = await policy(['explain', '-'], { input: JSON.stringify(ALLOWED) })
  assert.deepEqual([allowed.code, allowed.err], [0, ''])
  assert.match(allowed.out, /^ALLOWED {2}risk score 3 \(low\)/)
  const payload = { ...ALLOWED, use_case: 'social-scoring' }
  writeFileSync(join(cwd, 'payload.json'), JSON.stringify({ payload }))
  const denied = await policy(['explain', 'payload.json', SHIPPED])
  assert.equal(denied.code, POLICY_EXIT.denied)
  assert.match(denied.out, /^DENIED .*\n {2}reason: Social scoring is prohibited/)
  assert.match(denied.out, /^broken +prohibited-use .*model-policy\.yml:\d+ .*Art\. 5/m)
  assert.match(denied.out, /line \d+: use_case eq "social-scoring", and it is "social-scoring"/)
})

test('explain judges at the given moment, and by the given evidence alone', async () => {
  const dated = changedPolicies(cwd, 'dated', [
    [
      'model-policy.yml',
      'id: prohibited-use',
      'id: prohibited-use\n    effective_from: "2027-02-02"',
    ],
    ['model-policy.yml', 'id: high-risk-accuracy\n    mode: warn', 'id: high-risk-accuracy'],
  ])
  const ask = async (payload: object, ...args: string[]) => {
    const input = JSON.stringify(payload)
    const { code, out } = await policy(['explain', '-', dated, ...args, '--json'], { input })
    return { code, answer: JSON.parse(out) }
  }
  const banned = { ...ALLOWED, use_case: 'social-scoring' }
  const before = await ask(banned, '--at', '2027-02-01T23:59:59.999Z')
  assert.deepEqual([before.code, before.answer.at], [0, '2027-02-01T23:59:59.999Z'])
  assert.equal((await ask(banned, '--at', '2027-02-02T00:00:00Z')).code, POLICY_EXIT.denied)
  writeFileSync(join(cwd, 'evidence.json'), '{"metrics":{"accuracy":0.9}}')
  const oversight = { human: 'in-the-loop', owner: 'o' }
  const hiring = { ...ALLOWED, use_case: 'hr-screening', oversight, metrics: { accuracy: 1 } }
  assert.equal((await ask(hiring)).code, POLICY_EXIT.denied)
  assert.equal((await ask(hiring, '--aibom-evidence', 'evidence.json')).code, 0)
})

test('digest prints the digest alone, which comments do not change and thresholds do', async () => {
  const commented = changedPolicies(cwd, 'commented', [['risk-matrix.yml', 'risk:', '# !\nrisk:']])
  const digest = async (...args: string[]) => (await policy(['digest', ...args])).out
  const here = await digest()
  assert.match(here.trimEnd(), DIGEST)
  assert.equal(await digest(commented), here)
  assert.notEqual(await digest(lenient), here)
})

test('digest --served is 0 where the service decides by these policies, 4 where by others, 5 without it', async (t) => {
  const served = JSON.parse((await policy(['digest', '--json'])).out)
  const { url } = await serve(t, (response) => json(response, served))
  assert.equal((await policy(['digest', '--served', '--url', url])).code, 0)
  const other = await policy(['digest', lenient, '--served', '--url', url])
  assert.equal(other.code, POLICY_EXIT.failed)
  assert.match(other.err, /decides by model-release 2026\.11\.1, sha256:/)
  const dead = await policy(['digest', '--served', '--url', await deadUrl()])
  assert.deepEqual([dead.code, dead.out], [POLICY_EXIT.unreachable, ''])
})

for (const args of [
  ['lint', 'missing'],
  ['lint', 'payload.json'],
  ['lint', '--format', 'xml'],
  ['lint', '--json', '--format', 'sarif'],
  ['lint', 'policies', 'more'],
  ['test', '--nonsense'],
  ['explain'],
  ['explain', 'missing.json'],
  ['explain', '-', '--at', 'today'],
  ['explain', '-', '--at', '2027-02-30T00:00:00Z'],
  ['explain', '-', '--at', '2027-02-01T00:00:00+01:00'],
  ['explain', '-', '--aibom-evidence', '-'],
  ['diff', 'policies'],
  ['diff', 'policies', '--export', 'missing.ndjson'],
  ['replay', 'payload.json'],
  ['replay'],
]) {
  test(`aigov policy ${args.join(' ')} is refused with a sentence and exit code 2`, async () => {
    writeFileSync(join(cwd, 'payload.json'), '{}')
    const { code, out, err } = await policy(args)
    assert.deepEqual([code, out], [POLICY_EXIT.usage, ''])
    assert.match(err, /\S/)
    assert.doesNotMatch(err, /\n\s+at .*:\d+/)
  })
}

test('a file of the folder that is no text in UTF-8 is refused, not guessed', async () => {
  const folder = join(cwd, 'bytes')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.yml'), Buffer.of(0x70, 0xff))
  const { code, err } = await policy(['lint', folder])
  assert.equal(code, POLICY_EXIT.usage)
  assert.match(err, /a\.yml is not text in UTF-8/)
})

test('a reader of the output that has gone is exit code 70, never that of a denial', async () => {
  const child = start(['policy', 'explain', '-', SHIPPED], { cwd })
  const ended = once(child, 'close')
  child.stdout.destroy()
  child.stdin.end(JSON.stringify(ALLOWED))
  const [code] = await ended
  assert.equal(code, POLICY_EXIT.broken)
})

test('a policy command that waits for standard input ends by Ctrl-C with exit code 130', async () => {
  const child = start(['policy', 'explain', '-', SHIPPED], { cwd })
  const ended = once(child, 'exit')
  // The handler is in place when the process has loaded its modules; the signal is repeated until then.
  const repeat = setInterval(() => child.kill('SIGINT'), 500)
  const [code, signal] = await ended
  clearInterval(repeat)
  assert.ok(code === POLICY_EXIT.interrupted || signal === 'SIGINT')
})
