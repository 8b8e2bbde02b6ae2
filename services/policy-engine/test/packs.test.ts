import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatLoadProblem, loadPolicySet, type PolicyFile } from '../src/load/load-policies.ts'
import { loadTests, runTests, type TestReport } from '../src/policy-tests/run-tests.ts'
import { shippedSets } from './shipped.ts'

const [own, ...packs] = shippedSets()

function report(files: readonly PolicyFile[]): TestReport {
  const loaded = loadPolicySet(files)
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(formatLoadProblem).join('\n'))
  assert.deepEqual(
    loaded.warnings.filter(({ code }) => code !== 'no_tests'),
    [],
  )
  const tests = loadTests(files, loaded.set)
  assert.ok(tests.ok, tests.ok ? '' : tests.errors.map(formatLoadProblem).join('\n'))
  return runTests(loaded.set, tests.suites)
}

function assertPasses({ cases, coverageFailures }: TestReport): void {
  const failed = cases.filter((it) => !it.ok)
  assert.deepEqual(
    failed.map(({ file, line, name, differences }) => ({ file, line, name, differences })),
    [],
  )
  assert.deepEqual(coverageFailures, [])
}

const isTests = ({ name }: PolicyFile) => name.endsWith('.tests.yml')

test('the tests of policies/ pass and show each rule and the risk limit broken and kept', () => {
  const result = report(own!.files)
  assertPasses(result)
  assert.deepEqual(
    result.coverage.filter(({ seenBroken, seenKept }) => !seenBroken || !seenKept),
    [],
  )
})

test('there is a pack for each of the six subjects', () => {
  assert.equal(packs.length, 6)
})

for (const { folder, files } of packs) {
  const policies = files.filter((file) => !isTests(file) && file.name !== 'risk-matrix.yml')

  test(`${folder}: the tests pass and demand that each rule is seen broken and kept`, () => {
    assertPasses(report(files))
    for (const { content } of files.filter(isTests)) assert.match(content, /^coverage: 1\.0$/m)
    assert.equal(files.filter(isTests).length, policies.length)
  })

  test(`${folder}: the tests pass where the pack stands next to policies/`, () => {
    const ours = own!.files.filter((file) => !isTests(file))
    assertPasses(report([...ours, ...policies, ...files.filter(isTests)]))
  })

  test(`${folder}: it says that it is no advice, and each rule says where it comes from`, () => {
    const loaded = loadPolicySet(files)
    assert.ok(loaded.ok)
    for (const { content } of policies) assert.match(content, /^# Informational, not legal advice/m)
    const rules = loaded.set.compiled.rules
    assert.deepEqual(
      rules.filter(({ law }) => law.length === 0).map(({ id }) => id),
      [],
    )
  })
}
