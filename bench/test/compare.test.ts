import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '@ai-governance/infra/test-support/scratch'
import { compareRuns, conclude, otherConditions } from '../report/compare.ts'
import { readResult } from '../report/result.ts'
import { comparisonTable } from '../report/table.ts'
import { resultOf } from './result.ts'

const floor = [100, 100, 100, 100, 100]
const verdict = (before: number[], now: number[]) =>
  compareRuns(
    resultOf(before, floor.slice(0, before.length)),
    resultOf(now, floor.slice(0, now.length)),
  ).map((one) => one.verdict)

/** Five rounds from the first to the last. */
const rounds = (from: number, to: number) => [from, from, (from + to) / 2, to, to]

test('two runs differ where their intervals lie apart by more than half of the wider one', () => {
  assert.deepEqual(verdict(rounds(50, 60), rounds(60, 70)), ['agrees'])
  assert.deepEqual(verdict(rounds(50, 60), rounds(20, 90)), ['agrees'])
  assert.deepEqual(verdict(rounds(50, 60), rounds(64, 74)), ['agrees'])
  assert.deepEqual(verdict(rounds(50, 60), rounds(66, 76)), ['differs'])
  assert.deepEqual(verdict(rounds(66, 76), rounds(50, 60)), ['differs'])
  assert.deepEqual(verdict(rounds(50, 60), rounds(66, 86)), ['agrees'])
})

test('fewer than five rounds are not compared, and nothing compared is no agreement', () => {
  const few = compareRuns(
    resultOf([50, 51, 52, 53], floor.slice(1)),
    resultOf(rounds(90, 92), floor),
  )
  assert.deepEqual(
    few.map((one) => one.verdict),
    ['too few rounds'],
  )
  for (const none of [few, []]) {
    const { agrees, says } = conclude(none)
    assert.ok(!agrees)
    assert.match(says, /^nothing was compared: .* 5 rounds or more .*--quick/)
  }
})

test('one ratio that differs is enough for two runs not to agree', () => {
  const of = (now: number[]) => compareRuns(resultOf(rounds(50, 60), floor), resultOf(now, floor))
  const same = of(rounds(50, 60))
  const says = '1 of 1 ratios agree within their spread'
  assert.deepEqual(conclude(same), { agrees: true, says })
  const both = conclude([...same, ...of(rounds(80, 90))])
  assert.deepEqual(both, { agrees: false, says: '1 of 2 ratios agree within their spread' })
})

test('what was measured otherwise is named: machine, load, rounds, seconds and records', () => {
  const then = resultOf(rounds(50, 60), floor)
  assert.deepEqual(otherConditions(then, then), [])
  const now = {
    ...then,
    machine: { ...then.machine, node: 'v27' },
    settings: { rounds: 6, seconds: 2, load: 'its own', records: 7 },
  }
  assert.deepEqual(otherConditions(then, now), [
    'node: v27, and v26 then',
    'load: its own, and wrk then',
    'rounds: 6, and 5 then',
    'seconds: 2, and 1 then',
    'records: 7, and 1 then',
  ])
})

test('a ratio that only one of the runs has is named', () => {
  const both = resultOf(rounds(50, 60), floor)
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
  const result = resultOf(rounds(50, 60), floor)
  writeFileSync(file, JSON.stringify(result))
  assert.deepEqual(readResult(file), result)
  const others: [text: string, error: RegExp][] = [
    ['{', /cannot be read as the JSON/],
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

test('an earlier run that cannot be read ends with a sentence and exit code 2, before anything is measured', (t) => {
  const file = join(scratchFolder(t), 'missing.json')
  const program = join(import.meta.dirname, '..', 'run.ts')
  const options = ['policy', '--against', file]
  const { status, stderr } = spawnSync(process.execPath, [program, ...options], {
    encoding: 'utf8',
  })
  assert.equal(status, 2, stderr)
  assert.match(
    stderr,
    /^[^\n]*missing\.json cannot be read as the JSON of an earlier run: [^\n]*\n$/,
  )
})
