import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratioChart } from '../report/chart.ts'
import { isComplete } from '../report/result.ts'
import { resultTable } from '../report/table.ts'
import { resultOf } from './result.ts'

/** Throws where elements are not closed in order, or a sign stands bare that XML has for itself. */
function checkXml(text: string): void {
  const open: string[] = []
  for (const [, before = '', tag = ''] of text.matchAll(/([^<]*)<([^>]*)>/g)) {
    assert.doesNotMatch(before, />|&(?!(amp|lt|gt|quot);)/)
    const [, end, name = '', rest = ''] =
      /^(\/?)([a-z]+)((?: [a-zA-Z0-9-]+(?::[a-z]+)?="[^"<]*")*)\/?$/.exec(tag) ?? []
    assert.ok(name, `<${tag}>`)
    if (end) assert.equal(open.pop(), name, tag)
    else if (!tag.endsWith('/')) open.push(name)
    assert.ok(!end || rest === '')
  }
  assert.deepEqual(open, [])
}

test('the chart is well-formed and has one bar for each ratio with a goal', () => {
  const result = resultOf([50, 120, 60], [100, 100, 100])
  const [subject] = result.subjects
  result.subjects.push({ ...subject!, subject: 'a & <b>' })
  const chart = ratioChart(result)
  checkXml(chart)
  assert.equal(chart.match(/<rect /g)?.length, 2)
  assert.equal(chart.match(/class="goal"/g)?.length, 2)
  assert.match(chart, /a &amp; &lt;b&gt;: POST \/log ÷ INSERT/)
  assert.match(chart, /<rect class="short"/)
  assert.doesNotMatch(chart, /NaN|Infinity|undefined/)
})

test('a median, its whisker and its goal are where their values are', () => {
  const chart = ratioChart(resultOf([150, 150, 200], [100, 100, 100]))
  const [, left] = /<rect class="reached" x="([\d.]+)"/.exec(chart) ?? []
  const [, width] = /<rect [^>]*width="([\d.]+)"/.exec(chart) ?? []
  const [, goal] = /<line class="goal" x1="([\d.]+)"/.exec(chart) ?? []
  const [, from, to] = /class="whisker"[^>]*d="M([\d.]+) \d+H([\d.]+)/.exec(chart) ?? []
  const at = (x: string | undefined) => (Number(x) - Number(left)) / Number(width)
  // The bar is 1.5 long, the goal is 1, rounds go from 1.5 to 2.
  assert.ok(Math.abs(at(goal) - 1 / 1.5) < 0.01)
  assert.ok(Math.abs(at(from) - 1) < 0.01)
  assert.ok(Math.abs(at(to) - 2 / 1.5) < 0.01)
})

test('where a floor stood still or nothing was measured there is no bar, and no number that is none', () => {
  for (const result of [
    resultOf([50], [0]),
    resultOf([], []),
    { ...resultOf([1], [1]), subjects: [] },
  ]) {
    const chart = ratioChart(result)
    checkXml(chart)
    assert.doesNotMatch(chart, /<rect|NaN|Infinity/)
  }
})

test('the table says the machine, the spread, the ratio with its own, the goal, and what was skipped or failed', () => {
  const result = resultOf([50_000, 120_000, 60_000], [100_000, 100_000, 100_000])
  result.subjects.push({ subject: 'proxy', figures: [], skipped: [], failed: 'Error: no\nstack' })
  const table = resultTable(result)
  assert.match(table, /^2 × a \| b & <c>, 8 GiB, Linux 6; Node v26, PostgreSQL 18\.4; load average/)
  assert.match(
    table,
    /\| POST \/log, rate +\| 60,000 \/s +\| 50,000–120,000 +\| 0\.60 \(0\.50–1\.20\) × INSERT \| ≥ 1: short \|/,
  )
  assert.match(table, /\| append +\| x +\| skipped: needs wrk /)
  assert.match(table, /\| proxy +\| failed +\| Error: no +\|/)
  assert.match(table, /\nRounds: 3, after .* lasts 1 s in each, of a proxy \(6 rounds\) 1 s; /)
  const widths = table.split('\n').filter((line) => line.startsWith('|'))
  assert.equal(new Set(widths.map((line) => line.length)).size, 1)
})

test('a result is complete where nothing failed and nothing was skipped', () => {
  const result = resultOf([50], [100])
  const [subject] = result.subjects
  const withSubject = (parts: Partial<typeof subject>) => ({
    ...result,
    subjects: [{ ...subject!, skipped: [], ...parts }],
  })
  assert.ok(isComplete(withSubject({})))
  assert.ok(!isComplete(withSubject({ failed: 'Error: no' })))
  assert.ok(!isComplete(withSubject({ skipped: [{ name: 'x', needs: 'wrk' }] })))
})
