import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '@ai-governance/infra/test-support/scratch'
import { compareRuns } from '../report/compare.ts'
import { readResult } from '../report/result.ts'
import { comparisonTable } from '../report/table.ts'
import { resultOf } from './result.ts'

const floor = [100, 100, 100]
const verdict = (before: number[], now: number[]) =>
  compareRuns(
    resultOf(before, floor.slice(0, before.length)),
    resultOf(now, floor.slice(0, now.length)),
  ).map((one) => one.verdict)

test('two runs agree where the intervals of their rounds meet', () => {
  assert.deepEqual(verdict([50, 55, 60], [60, 65, 70]), ['agrees'])
  assert.deepEqual(verdict([50, 55, 60], [20, 55, 90]), ['agrees'])
  assert.deepEqual(verdict([50, 55, 60], [61, 65, 70]), ['differs'])
  assert.deepEqual(verdict([61, 65, 70], [50, 55, 60]), ['differs'])
})

test('fewer than three rounds are not compared', () => {
  assert.deepEqual(verdict([50, 55], [90, 91, 92]), ['too few rounds'])
  assert.deepEqual(verdict([50, 55, 60], [90]), ['too few rounds'])
})

test('a ratio that only one of the runs has is named', () => {
  const both = resultOf([50, 55, 60], floor)
  const none = { ...both, subjects: [] }
  const [before] = compareRuns(both, none)
  assert.equal(before?.verdict, 'only before')
  assert.equal(before?.name, 'append: POST /log, rate ÷ INSERT')
  const comparisons = compareRuns(none, both)
  assert.deepEqual(
    comparisons.map((one) => one.verdict),
    ['only now'],
  )
  assert.match(comparisonTable(comparisons), /\| 0\.55 \(0\.50–0\.60\) \| only now \|/)
})

test('what a run wrote is read again as it was, and anything else is refused with a sentence', (t) => {
  const file = join(scratchFolder(t), 'result.json')
  const result = resultOf([50, 55, 60], floor)
  writeFileSync(file, JSON.stringify(result))
  assert.deepEqual(readResult(file), result)
  const others: [text: string, error: RegExp][] = [
    ['{', /cannot be read as JSON/],
    ['null', /was not written by --json/],
    ['{"machine":"2 × x","figures":[]}', /was not written by --json/],
    [JSON.stringify({ ...result, format: 2 }), /was not written by --json/],
    [JSON.stringify(result).replace('"values":[0.5,', '"values":["0.5",'), /was not written/],
  ]
  for (const [text, error] of others) {
    writeFileSync(file, text)
    assert.throws(() => readResult(file), error, text.slice(0, 60))
  }
  assert.throws(() => readResult(`${file}.missing`), /cannot be read/)
})
