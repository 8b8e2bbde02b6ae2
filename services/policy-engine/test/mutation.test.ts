import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPolicySet, type PolicyFile } from '../src/load/load-policies.ts'
import { loadTests, runTests } from '../src/policy-tests/run-tests.ts'
import { type Mutant, mutantsOfPolicy, mutantsOfRisk } from './mutants.ts'
import { shippedSets } from './shipped.ts'

/*
 * A test that never fails protects nothing. Here every operator, operand, threshold, mode, day and
 * number of what is shipped is changed, one at a time, and each time some test must fail.
 */

/** Whether somebody would notice: the loader refuses the file, or a case fails. */
function fate(files: readonly PolicyFile[]): 'refused' | 'failed' | 'survived' {
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return 'refused'
  const tests = loadTests(files, loaded.set)
  if (!tests.ok) return 'refused'
  return runTests(loaded.set, tests.suites).failed === 0 ? 'survived' : 'failed'
}

function mutantsOf({ name, content }: PolicyFile): Mutant[] {
  if (name.endsWith('.tests.yml')) return []
  return name === 'risk-matrix.yml' ? mutantsOfRisk(content) : mutantsOfPolicy(content)
}

const [own, ...packs] = shippedSets()
const matrix = own!.files.find(({ name }) => name === 'risk-matrix.yml')!

test('every pack comes with the risk matrix of policies/, which has its tests there', () => {
  for (const { files } of packs) {
    assert.equal(files.find(({ name }) => name === matrix.name)?.content, matrix.content)
  }
})

for (const { folder, files } of [own!, ...packs]) {
  test(`the tests of ${folder} notice every change of a rule`, (context) => {
    const counts = { refused: 0, failed: 0, survived: 0 }
    const survivors: string[] = []
    for (const file of files) {
      if (file.name === matrix.name && folder !== own!.folder) continue
      for (const { what, content } of mutantsOf(file)) {
        const result = fate(files.map((it) => (it === file ? { name: it.name, content } : it)))
        counts[result] += 1
        if (result === 'survived') survivors.push(`${folder}/${file.name} ${what}`)
      }
    }
    context.diagnostic(`${folder}: ${JSON.stringify(counts)}`)
    assert.deepEqual(survivors, [])
    assert.ok(counts.failed > 0)
  })
}
