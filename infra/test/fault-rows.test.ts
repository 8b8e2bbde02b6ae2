import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments, Usage } from '../faults/arguments.ts'
import type { Finding } from '../faults/findings.ts'
import { Random } from '../faults/random.ts'
import { type Row, row, Skipped } from '../faults/row.ts'
import { ROWS } from '../faults/rows.ts'
import { runRows, summaryOf, verdictOf } from '../faults/run-rows.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const namesOf = (args: string[]) => readArguments(args).chosen.map((one) => one.row.name)
const refused = (args: string[]) => {
  assert.throws(() => readArguments(args), Usage, args.join(' '))
}

test('without a name every row over processes runs, in order, and --compose takes those of that stack', () => {
  const of = (stack: Row['stack']) =>
    ROWS.filter((one) => one.stack === stack).map(({ name }) => name)
  assert.deepEqual(namesOf([]), of('processes'))
  assert.deepEqual(namesOf(['--compose']), of('compose'))
  assert.deepEqual(namesOf(['lock', 'kill-audit']), ['kill-audit', 'lock'])
  assert.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length)
})

test('the quick form has its own counts, and names the rows that it leaves out', () => {
  const { chosen, leftOut } = readArguments(['--quick', 'kill-audit', 'tamper'])
  assert.deepEqual(
    chosen.map(({ counts }) => counts),
    [{ clients: 64, kills: 1 }],
  )
  assert.deepEqual(leftOut, ['tamper'])
})

test('a count that is set replaces that of the rows that have it', () => {
  const [one, other] = readArguments(['kill-audit', 'sessions', '--set', 'kills=3']).chosen
  assert.deepEqual(one?.counts, { clients: 64, kills: 3 })
  assert.deepEqual(other?.counts, { clients: 64, terminations: 500 })
})

test('wrong usage is refused: an unknown row, build or count, a seed or a count that is no number', () => {
  refused(['no-such-row'])
  refused(['--build', 'no-such-build'])
  refused(['kill-audit', '--set', 'appends=3'])
  refused(['kill-audit', '--set', 'kills=many'])
  refused(['--seed', '-1'])
  refused(['--no-such-option'])
})

test('a seed draws the same again, and what one part of a run draws changes nothing for another', () => {
  const draw = (random: Random) => Array.from({ length: 5 }, () => random.below(1_000))
  const one = new Random('7')
  const drawn = draw(one)
  assert.deepEqual(draw(new Random('7')), drawn)
  assert.notDeepEqual(draw(new Random('8')), drawn)
  assert.deepEqual(draw(one.derive('part')), draw(new Random('7').derive('part')))
  assert.equal(new Random('7').hex(8), new Random('7').hex(8))
})

const finding = (holds: boolean | null, invariants: Finding['invariants'] = []): Finding => ({
  ...{ what: 'what', figure: 'figure', holds, invariants },
})
const ALL = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7'] as const

function rowOf(run: Row['run'], more: Partial<Row> = {}): Row {
  const words = { name: 'one', does: 'does', shows: 'shows', full: {}, quick: {} }
  return { ...row({ ...words, hasLoad: false, run }), ...more }
}

for (const [what, one, verdict, broke] of [
  [
    'holds where every finding does',
    rowOf(async () => [finding(true), finding(null)]),
    'holds',
    false,
  ],
  [
    'does not hold where one does not',
    rowOf(async () => [finding(true), finding(false)]),
    'DOES NOT HOLD',
    false,
  ],
  ['that found nothing does not hold', rowOf(async () => []), 'DOES NOT HOLD', false],
  [
    'that only tells what it saw does not hold',
    rowOf(async () => [finding(null)]),
    'DOES NOT HOLD',
    false,
  ],
  [
    'that throws does not hold, and is told apart',
    rowOf(async () => {
      throw new Error('broken')
    }),
    'DOES NOT HOLD',
    true,
  ],
  [
    'that this machine cannot run is skipped',
    rowOf(async () => {
      throw new Skipped('needs more')
    }),
    'skipped',
    false,
  ],
  [
    'with a load does not hold where an invariant is passed over in silence',
    rowOf(async () => [finding(true, ALL.slice(1))], { hasLoad: true }),
    'DOES NOT HOLD',
    false,
  ],
  [
    'with a load may say why it passes one over',
    rowOf(async () => [finding(true, ALL.slice(1))], { hasLoad: true, unjudged: { I1: 'why' } }),
    'holds',
    false,
  ],
] as const) {
  test(`a row ${what}`, async (t) => {
    const setting = {
      ...{ folder: scratchFolder(t), random: new Random('1'), isTimed: false },
      say: () => {},
    }
    const reports = await runRows([{ row: one, counts: {} }], setting)
    const [report] = reports
    assert.ok(report)
    assert.deepEqual([verdictOf(report), report.broke], [verdict, broke])
    assert.ok(summaryOf(reports).some((line) => line.startsWith(verdict) && line.includes('one')))
  })
}

test('the table of invariants says in how many rows each was judged, where not, and where it is violated', async (t) => {
  const setting = {
    ...{ folder: scratchFolder(t), random: new Random('1'), isTimed: false },
    say: () => {},
  }
  const rows = [
    rowOf(async () => [finding(true, ALL)], { hasLoad: true, name: 'first' }),
    rowOf(async () => [finding(false, ['I1']), finding(true, ALL.slice(2))], {
      ...{ hasLoad: true, name: 'second', unjudged: { I2: 'why' } },
    }),
  ]
  const lines = summaryOf(
    await runRows(
      rows.map((one) => ({ row: one, counts: {} })),
      setting,
    ),
  )
  const lineOf = (id: string) => lines.find((line) => line.includes(`  ${id}  `)) ?? ''
  assert.match(lineOf('I1'), /^DOES NOT HOLD .* violated in second$/)
  assert.match(lineOf('I2'), /^holds .* judged in 1 row, not in second$/)
  assert.match(lineOf('I3'), /^holds .* judged in 2 rows$/)
  assert.match(lineOf('I8'), /^- .* judged in no row$/)
})
