import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { type Finding, tableOf } from './findings.ts'
import { INVARIANTS, type Invariant } from './invariants.ts'
import { type Counts, type Row, type RowReport, Skipped } from './row.ts'
import type { Setting } from './scenarios.ts'

/** Every row with a load judges these. */
const OF_A_LOAD: readonly Invariant[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7']

/** A row and how often it does what it does. */
export interface Chosen {
  row: Row
  counts: Counts
}

/** Runs rows one after the other, each in a folder and with chances of its own; one that breaks does not end the rest. */
export async function runRows(chosen: readonly Chosen[], setting: Setting): Promise<RowReport[]> {
  const reports: RowReport[] = []
  const startedAt = performance.now()
  for (const [n, { row, counts }] of chosen.entries()) {
    const place = `${n + 1} of ${chosen.length}`
    setting.say(
      `\n== ${place} ${row.name}, after ${secondsSince(startedAt)} s: ${row.does} ${told(counts)}`,
    )
    const report = await runRow(row, counts, {
      ...setting,
      folder: join(setting.folder, row.name),
      random: setting.random.derive(row.name),
      say: (line) => setting.say(`   ${place} ${row.name}, ${secondsSince(startedAt)} s: ${line}`),
    })
    for (const line of tableOf(report.findings)) setting.say(`   ${line}`)
    setting.say(`== ${row.name}: ${verdictOf(report)}, in ${report.seconds} s`)
    reports.push(report)
  }
  return reports
}

async function runRow(row: Row, counts: Counts, setting: Setting): Promise<RowReport> {
  const startedAt = performance.now()
  const report = { row, counts, findings: [], skipped: null, broke: false }
  const ended = (rest: Partial<RowReport>): RowReport => ({
    ...report,
    ...rest,
    seconds: secondsSince(startedAt),
  })
  mkdirSync(setting.folder, { recursive: true })
  try {
    const findings = await row.run(setting, counts)
    const missed = [...nothingJudged(findings, setting), ...notJudged(row, findings)]
    return ended({ findings: [...findings, ...missed] })
  } catch (error) {
    if (error instanceof Skipped) return ended({ skipped: error.message })
    const figure = error instanceof Failure ? error.message : String((error as Error).stack)
    return ended({
      broke: true,
      findings: [{ what: 'the row itself failed', figure, holds: false }],
    })
  }
}

/** Nothing that was judged is nothing that holds: so it is where `--only` names no part of the row. */
function nothingJudged(findings: readonly Finding[], { only }: Setting): Finding[] {
  if (findings.some(({ holds }) => holds !== null)) return []
  const figure = only === undefined ? 'no finding' : `"--only ${only}" may name no part of this row`
  return [{ what: 'nothing was judged', figure, holds: false }]
}

/** With a load under way an invariant that nobody looked at is a hole in the row, unless it says why. */
function notJudged({ hasLoad, unjudged = {} }: Row, findings: readonly Finding[]): Finding[] {
  if (!hasLoad) return []
  // Told counts too: who asks for no times is told them all the same.
  const judged = new Set(findings.flatMap(({ invariants = [] }) => invariants))
  return OF_A_LOAD.filter((invariant) => !judged.has(invariant)).map((invariant) => ({
    what: `${invariant} is not judged here`,
    figure: unjudged[invariant] ?? 'and the row does not say why',
    holds: unjudged[invariant] === undefined ? false : null,
  }))
}

const secondsSince = (startedAt: number) => Math.round((performance.now() - startedAt) / 1_000)

const told = (counts: Counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name}=${count}`)
    .join(' ')

/** `holds`, `DOES NOT HOLD` or `skipped`. */
export function verdictOf({ findings, skipped }: RowReport): string {
  if (skipped !== null) return 'skipped'
  return findings.some(({ holds }) => holds === false) ? 'DOES NOT HOLD' : 'holds'
}

/** The table at the end: a line for each row, and below it one for each invariant. */
export function summaryOf(reports: readonly RowReport[]): string[] {
  const lines = reports.map((report) => [
    verdictOf(report),
    report.row.name,
    report.row.shows,
    figureOf(report),
  ])
  const table = columns([['', 'row', 'must show', 'figure'], ...lines])
  return [
    ...table,
    '',
    ...columns(Object.keys(INVARIANTS).map((id) => invariantLine(id as Invariant, reports))),
  ]
}

function figureOf({ findings, skipped, seconds }: RowReport): string {
  if (skipped !== null) return skipped
  const wrong = findings.filter(({ holds }) => holds === false)
  const shown = wrong.length > 0 ? wrong : findings.filter(({ isHeadline }) => isHeadline)
  const said = shown.map(({ what, figure }) => `${what.trim()}: ${figure.split('\n')[0]}`)
  const judged = findings.filter(({ holds }) => holds !== null).length
  return [`${judged - wrong.length} of ${judged} in ${seconds} s`, ...said].join('; ')
}

function invariantLine(invariant: Invariant, reports: readonly RowReport[]): string[] {
  const ran = reports.filter(({ skipped }) => skipped === null)
  const judging = ran.filter(({ findings }) =>
    findings.some(({ holds, invariants }) => holds !== null && invariants?.includes(invariant)),
  )
  const broken = judging.filter(({ findings }) =>
    findings.some(({ holds, invariants }) => holds === false && invariants?.includes(invariant)),
  )
  const others = ran.filter((report) => report.row.hasLoad && !judging.includes(report))
  const names = (some: readonly RowReport[]) => some.map(({ row }) => row.name).join(', ')
  const count = ['no row', '1 row'][judging.length] ?? `${judging.length} rows`
  const not = invariant === 'I8' || others.length === 0 ? '' : `, not in ${names(others)}`
  return [
    broken.length > 0 ? 'DOES NOT HOLD' : judging.length > 0 ? 'holds' : '-',
    invariant,
    INVARIANTS[invariant],
    broken.length > 0 ? `violated in ${names(broken)}` : `judged in ${count}${not}`,
  ]
}

/** Lines whose cells stand below one another; the last one is as long as it is. */
function columns(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, n) =>
    Math.max(...lines.map((line) => line[n]?.length ?? 0)),
  )
  return lines.map((line) =>
    line.map((cell, n) => (n === line.length - 1 ? cell : cell.padEnd(widths[n] ?? 0))).join('  '),
  )
}
