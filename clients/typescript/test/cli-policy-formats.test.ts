import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { POLICY_EXIT } from '../src/cli/policy-exit.ts'
import { aigov } from './aigov.ts'
import { ALLOWED, changedPolicies, SHIPPED, scratchFolder } from './policy-folders.ts'

const cwd = scratchFolder()
const misspelled = changedPolicies(cwd, 'a folder', [
  ['model-policy.yml', 'field: oversight.human, op: in', 'field: oversight.humam, op: in'],
])
const policy = (args: readonly string[], options = {}) =>
  aigov(['policy', ...args], { cwd, ...options })

test('SARIF names tool, rule, level, file and place of every finding, on one line of standard output', async () => {
  const { code, out, err } = await policy(['lint', 'a folder', '--format', 'sarif'])
  assert.deepEqual([code, err, out.split('\n').length], [POLICY_EXIT.invalid, '', 2])
  const { version, $schema, runs } = JSON.parse(out)
  assert.equal(version, '2.1.0')
  assert.match($schema, /sarif-schema-2\.1\.0\.json$/)
  const [{ tool, results, invocations, columnKind }] = runs
  assert.deepEqual([runs.length, columnKind], [1, 'utf16CodeUnits'])
  assert.deepEqual(invocations, [{ executionSuccessful: true, exitCode: POLICY_EXIT.invalid }])
  assert.ok(results.length > 0)
  for (const { ruleId, ruleIndex, level, message, locations } of results) {
    assert.equal(tool.driver.rules[ruleIndex].id, ruleId)
    assert.ok(level === 'error' && message.text)
    const [{ physicalLocation }] = locations
    assert.equal(physicalLocation.artifactLocation.uri, 'a%20folder/model-policy.yml')
    const { startLine, startColumn } = physicalLocation.region
    assert.ok(startLine > 1 && startColumn > 1)
  }
})

test('SARIF of good policies is a log without results', async () => {
  const { code, out } = await policy(['lint', SHIPPED, '--format', 'sarif'])
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out).runs[0].results, [])
})

test('a file outside the checkout has an absolute address, one inside that of the checkout', async () => {
  const inner = join(cwd, 'inner')
  mkdirSync(inner)
  const uri = async (env: Record<string, string>) => {
    const { out } = await policy(['lint', misspelled, '--format', 'sarif'], { cwd: inner, env })
    return JSON.parse(out).runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri
  }
  assert.equal(await uri({}), pathToFileURL(join(misspelled, 'model-policy.yml')).href)
  assert.equal(await uri({ GITHUB_WORKSPACE: cwd }), 'a%20folder/model-policy.yml')
})

test('github shows each error at its line, in annotations alone on standard output', async () => {
  const { code, out } = await policy(['lint', 'a folder', '--format', 'github'])
  assert.equal(code, POLICY_EXIT.invalid)
  for (const line of out.trimEnd().split('\n')) {
    assert.match(
      line,
      /^::error file=a folder\/model-policy\.yml,line=\d+,col=\d+,title=[a-z_]+::\S/,
    )
  }
})

test('what a payload or a file says neither ends an annotation nor begins another', async () => {
  const evil = 'vision\n::add-mask::x\r::warning::%0A,: \u2028'
  const input = JSON.stringify({ ...ALLOWED, model_class: evil, use_case: 'social-scoring' })
  const folder = changedPolicies(cwd, '::x,y%0A', [])
  const args = ['explain', '-', folder, '--format', 'github']
  const { code, out, err } = await policy(args, { input })
  assert.equal(code, POLICY_EXIT.denied)
  const lines = out.trimEnd().split('\n')
  assert.ok(lines.length >= 2)
  for (const line of lines) {
    assert.match(line, /^::(error|warning|notice) file=%3A%3Ax%2Cy%250A\//)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    assert.doesNotMatch(line, /[\u0000-\u001f\u2028]/)
  }
  assert.match(err, /^\d+ annotations, exit code 1\.\n$/)
})

test('explain, test and diff show their findings in the same two formats', async () => {
  const lenient = changedPolicies(cwd, 'lenient', [
    ['model-policy.yml', 'min_accuracy: 0.85', 'min_accuracy: 0.5'],
  ])
  const input = JSON.stringify({ ...ALLOWED, use_case: 'social-scoring' })
  for (const [args, rule] of [
    [['explain', '-', SHIPPED], 'prohibited-use'],
    [['test', lenient], 'test_failed'],
    [['diff', SHIPPED, lenient], 'policy_changed'],
  ] as const) {
    const { out } = await policy([...args, '--format', 'sarif'], { input })
    const [{ results }] = JSON.parse(out).runs
    assert.ok(results.some(({ ruleId }: { ruleId: string }) => ruleId === rule))
    const annotations = await policy([...args, '--format', 'github'], { input })
    assert.match(annotations.out, new RegExp(`^::\\w+ file=.*,line=\\d+,title=${rule}::`, 'm'))
  }
})

test('json holds the whole verdict', async () => {
  writeFileSync(join(cwd, 'payload.json'), JSON.stringify(ALLOWED))
  const { out } = await policy(['explain', 'payload.json', SHIPPED, '--format', 'json'])
  const { allowed, explanation, counts, policy: used } = JSON.parse(out)
  const total = Object.values<number>(counts).reduce((sum, count) => sum + count, 0)
  assert.deepEqual([allowed, explanation.length], [true, total])
  assert.equal(used.name, 'model-release')
})
