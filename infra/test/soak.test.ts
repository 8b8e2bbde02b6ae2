import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { allHold, type Finding } from '../faults/findings.ts'
import { judgeRun, type Seen } from '../soak/judge.ts'
import { Draws } from '../soak/load/draws.ts'
import { isExpected, Tally } from '../soak/load/tally.ts'
import { parseMetrics, type Sample } from '../soak/samples.ts'
import { type LoggedErrors, takeLine } from '../soak/service-logs.ts'
import { type Point, slopeOf } from '../soak/slope.ts'

const EVERY = 1 / 12
const MIB = 1_048_576

/** Twenty minutes of samples every five seconds. */
function series(valueAt: (minute: number, draws: Draws) => number): Point[] {
  const draws = new Draws(1, 'series')
  return Array.from({ length: 240 }, (_, n) => {
    const minute = n * EVERY
    return { minute, value: valueAt(minute, draws) }
  })
}

/** Up by 60 in two minutes and down at a collection. */
const saw = (minute: number) => 30 * (minute % 2)

test('the slope of a straight line is its slope, and nothing else is possible', () => {
  const { slope, low, high, leastSquares } = slopeOf(series((minute) => 200 + 1.5 * minute))
  for (const value of [slope, low, high, leastSquares]) assert.ok(Math.abs(value - 1.5) < 1e-9)
})

test('a saw with a slope of its own is told from one without', () => {
  const level = slopeOf(series((minute, draws) => 300 + saw(minute) + 5 * draws.next()))
  assert.ok(level.low < 0 && level.high > 0 && level.slope < 1, JSON.stringify(level))
  const leak = slopeOf(series((minute, draws) => 300 + saw(minute) + 3 * minute + 5 * draws.next()))
  assert.ok(leak.low > 1 && leak.low < 3 && leak.high > 3, JSON.stringify(leak))
})

test('a single peak does not make a slope, where least squares see one', () => {
  const peak = slopeOf(series((minute) => (minute > 19 ? 700 : 300)))
  assert.equal(peak.slope, 0)
  assert.ok(peak.leastSquares > 1)
})

test('a wider interval goes with waves that are longer', () => {
  const width = (points: Point[]) => {
    const { low, high } = slopeOf(points)
    return high - low
  }
  const noise = width(series((_, draws) => 40 * draws.next()))
  const waves = width(series((minute) => 20 * Math.sin(minute)))
  assert.ok(waves > noise, `${waves} and ${noise}`)
})

test('a slope needs two points at different times', () => {
  for (const points of [
    [],
    [{ minute: 1, value: 1 }],
    series(() => 1).map(() => ({ minute: 1, value: 1 })),
  ]) {
    assert.throws(() => slopeOf(points), /two points at different times/)
  }
})

test('the same seed and position draw the same, and others do not', () => {
  const drawn = (seed: number, position: string) => {
    const draws = new Draws(seed, position)
    return Array.from({ length: 20 }, () => draws.next())
  }
  assert.deepEqual(drawn(1, 'honest-7'), drawn(1, 'honest-7'))
  assert.notDeepEqual(drawn(1, 'honest-7'), drawn(1, 'honest-8'))
  assert.notDeepEqual(drawn(1, 'honest-7'), drawn(2, 'honest-7'))
  assert.ok(drawn(1, 'x').every((value) => value >= 0 && value < 1))
})

test('what is drawn follows the weights', () => {
  const draws = new Draws(1, 'weights')
  const items = [{ weight: 3 }, { weight: 0 }, { weight: 1 }]
  const counts = [0, 0, 0]
  for (let n = 0; n < 4_000; n++) {
    const at = items.indexOf(draws.weighted(items) as (typeof items)[number])
    counts[at] = (counts[at] ?? 0) + 1
  }
  assert.equal(counts[1], 0)
  assert.ok(Math.abs((counts[0] ?? 0) - 3_000) < 150, String(counts))
})

test('an outcome is expected by its status, or by status and code, and the first of each other sort is kept', () => {
  assert.ok(isExpected('503 overloaded', ['503']))
  assert.ok(isExpected('503 overloaded', ['200', '503 overloaded']))
  assert.ok(!isExpected('503 database_busy', ['200', '503 overloaded']))
  assert.ok(!isExpected('hangs', ['200']))
  const tally = new Tally()
  for (const what of ['first', 'second'])
    tally.count('log', '500 internal_error', ['200'], () => what)
  tally.count('log', '200', ['200'], () => 'third')
  assert.deepEqual(tally.unexpected, { 'log: 500 internal_error': { times: 2, what: 'first' } })
  assert.equal(tally.total(), 3)
})

test('metrics are read with their labels, but for the one that all have', () => {
  const text = `# HELP a b\na{service="x"} 1\nb_total{code="not_found",service="x"} 2.5\n\nc 1e3\n`
  assert.deepEqual(parseMetrics(text), [
    { name: 'a', labels: {}, value: 1 },
    { name: 'b_total', labels: { code: 'not_found' }, value: 2.5 },
    { name: 'c', labels: {}, value: 1_000 },
  ])
})

test('an error in a log counts unless this run gives a reason for it, and so does what is no line of a log', () => {
  const errors: LoggedErrors = { explained: {}, others: {} }
  takeLine(errors, '{"level":"info","msg":"request"}')
  takeLine(errors, '{"level":"warn","msg":"request"}')
  takeLine(errors, '{"level":"error","msg":"changed policies are refused"}')
  takeLine(errors, '')
  assert.deepEqual<LoggedErrors>(
    { ...errors },
    { explained: { 'changed policies are refused': 1 }, others: {} },
  )
  takeLine(errors, '{"level":"error","msg":"request failed"}')
  takeLine(errors, '{"level":"fatal","msg":"request failed"}')
  takeLine(errors, 'FATAL ERROR: Reached heap limit')
  assert.equal(errors.others['request failed']?.times, 2)
  assert.equal(errors.others['no line of a log']?.times, 1)
})

/** Half an hour in which everything is as it must be; memory grows by `slope` MiB a minute. */
function wellRun(slope = 0): Seen {
  const sampleAt = (minute: number): Sample => ({
    ...{ service: 'mcp-audit', minute, delay: 12, open: 40, external: 0 },
    resident: (200 + slope * minute) * MIB,
    heap: 60 * MIB,
    queues: { http_requests_in_flight: 3 },
  })
  const minutes = Array.from({ length: 360 }, (_, n) => n * EVERY)
  return {
    told: {
      ...{ capacity: 500, rate: 200, due: 1_100, unsent: 11, ended: 5, stuck: 0, unexpected: {} },
      counts: { log: { '200': 1_000, '503 overloaded': 2 } },
      honest: { answered: 1_000, refused: 2 },
    },
    samples: minutes.map(sampleAt),
    rest: [{ ...sampleAt(30), queues: { http_requests_in_flight: 0 } }],
    totals: [{ service: 'mcp-audit', refusals: { not_found: 5 }, failures: 0 }],
    errors: new Map([['mcp-audit', { explained: {}, others: {} }]]),
  }
}

const wrong = (findings: Finding[]) => findings.filter(({ holds }) => holds === false)

test('a run in which everything is as it must be holds', () => {
  assert.ok(allHold(judgeRun(wellRun())))
  assert.ok(allHold(judgeRun(wellRun(0.9))))
})

for (const [what, change, named] of [
  ['memory that grows', () => wellRun(1.1), /^memory of mcp-audit$/],
  [
    'an answer of status 500',
    () => ({ ...wellRun(), totals: [{ service: 'mcp-audit', refusals: {}, failures: 1 }] }),
    /500/,
  ],
  [
    'an answer that should not be',
    () => {
      const run = wellRun()
      return { ...run, told: { ...run.told, unexpected: { 'log: 404': { times: 1, what: 'x' } } } }
    },
    /not as they should be/,
  ],
  [
    'one of fifty told to come back',
    () => {
      const run = wellRun()
      return { ...run, told: { ...run.told, honest: { answered: 1_000, refused: 20 } } }
    },
    /come back/,
  ],
  [
    'a load that was not sent',
    () => {
      const run = wellRun()
      return { ...run, told: { ...run.told, unsent: 12 } }
    },
    /^the load$/,
  ],
  [
    'a slow connection that nobody ended',
    () => {
      const run = wellRun()
      return { ...run, told: { ...run.told, stuck: 1 } }
    },
    /slow on purpose/,
  ],
  [
    'a place that is taken after the load',
    () => {
      const run = wellRun()
      return { ...run, rest: run.samples.slice(-1) }
    },
    /queues/,
  ],
  [
    'an error that nobody can explain',
    () => {
      const errors = { explained: {}, others: { boom: { times: 1, line: '{}' } } }
      return { ...wellRun(), errors: new Map([['mcp-audit', errors]]) }
    },
    /errors that mcp-audit logged/,
  ],
] as const) {
  test(`${what} is found, and nothing else is`, () => {
    const found = wrong(judgeRun(change()))
    assert.equal(found.length, 1)
    assert.match(String(found[0]?.what), named)
  })
}

test('after a minute a slope is told and not judged', () => {
  const run = wellRun(50)
  const short = judgeRun({ ...run, samples: run.samples.filter(({ minute }) => minute < 1) })
  assert.ok(allHold(short))
  assert.match(
    String(short.find(({ what }) => /^memory/.test(what))?.figure),
    /^50\.00 MiB a minute/,
  )
})

test('wrong usage is exit code 2, with a sentence that says what to do', () => {
  const main = join(import.meta.dirname, '../soak/main.ts')
  for (const [args, said] of [
    [['--minutes', '0'], '--minutes must be a number above 0.'],
    [['--seed', 'x'], '--seed must be a number above 0.'],
    [['--nothing'], "Unknown option '--nothing'"],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.ok(stderr.includes(said), stderr)
  }
})
