import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOALS } from '../goals.ts'
import { type AtSize, figuresOf } from '../subjects/growth.ts'

const pass = { entries: 10, seconds: 2, peak: 200 * 1_048_576 }
const small: AtSize = {
  ...{ size: 10, appends: [60, 80], inserts: [100, 100], wal: 5 },
  disk: { table: 1, indexes: 2, 'Merkle tree': 3 },
  passes: { export: pass, 'aigov verify': pass, 'GET /verify': pass },
}

test('appends to a large log are set beside the small one by what INSERT did in the same rounds', () => {
  // The machine is half as fast by then, for both.
  const large = { ...small, size: 20, appends: [30, 40], inserts: [50, 50] }
  const judged = figuresOf(large, small, true).flatMap(({ name, ratios = [] }) =>
    ratios.filter(({ goal }) => goal).map((ratio) => ({ name, ...ratio })),
  )
  const name = 'POST /log ÷ INSERT, a log from 20 on'
  const of = 'the small log'
  assert.deepEqual(judged, [{ name, of, values: [1, 1], goal: GOALS.growth }])
  const without = figuresOf({ ...large, inserts: undefined }, small, true)
  assert.deepEqual(
    without.filter(({ ratios = [] }) => ratios.some(({ goal }) => goal)),
    [],
  )
})

test('of what goes through the whole log, memory is set beside the small one, and no rate', () => {
  const large = { ...small, size: 20 }
  const figures = figuresOf(large, small, true).filter(({ name }) => name === 'export, a log of 20')
  assert.deepEqual(
    figures.map(({ what, ratios = [] }) => [what, ratios.map(({ of }) => of)]),
    [
      ['rate', []],
      ['time', []],
      ['memory of mcp-audit at most', ['the small log']],
    ],
  )
})
