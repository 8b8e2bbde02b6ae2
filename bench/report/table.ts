import { type Goal, isReached } from '../goals.ts'
import { halvedRounds } from '../load/rounds.ts'
import type { Comparison } from './compare.ts'
import { type Figure, type Interval, intervalOf } from './figures.ts'
import { machineLine } from './machine.ts'
import type { Result, SubjectResult } from './result.ts'

const HEAD = ['subject', 'figure', 'median', 'spread', 'ratio', 'goal']

/** The result of a run as Markdown: the machine, one table of all figures, and what was skipped or failed. */
export function resultTable({ machine, settings, subjects }: Result): string {
  const rows = subjects.flatMap(rowsOf)
  const { rounds, seconds, load } = settings
  const halved = halvedRounds({ count: rounds, seconds })
  const how =
    `Rounds: ${rounds}, after one that warms up; subject and floor take turns. A load lasts ${seconds} s in each, of a proxy ` +
    `(${halved.count} rounds) ${halved.seconds} s; what has an end of its own lasts as long as it takes, and what has one value ` +
    `was measured once, or is the most of all. Load: ${load}.\n` +
    'Spread: the smallest and the largest round. A ratio is the median of figure ÷ floor, paired round by round.'
  return `${machineLine(machine)}\n\n${how}\n\n${markdown(HEAD, rows)}`
}

/** Two runs beside each other, as Markdown. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ name, before, now, verdict }) => [
    ...[name, before ? ratioText(before) : '', now ? ratioText(now) : '', verdict],
  ])
  return markdown(['ratio', 'before', 'now', 'verdict'], rows)
}

function rowsOf({ subject, figures, skipped, failed }: SubjectResult): string[][] {
  return [
    ...figures.flatMap((figure) => figureRows(subject, figure)),
    ...skipped.map(({ name, needs }) => [subject, name, `skipped: needs ${needs}`, '', '', '']),
    ...(failed === undefined ? [] : [[subject, 'failed', failed.split('\n', 1)[0]!, '', '', '']]),
  ]
}

function figureRows(
  subject: string,
  { name, what, unit, values, ratios, goal }: Figure,
): string[][] {
  const interval = intervalOf(values)
  const title = `${name}, ${what}`
  const spread =
    values.length > 1 ? `${number(interval.least)}–${number(interval.most)}` : 'one value'
  const own = goal ? goalText(goal, interval.median) : ''
  const first = [subject, title, `${number(interval.median)} ${unit}`, spread]
  if (!ratios?.length) return [[...first, '', own]]
  return ratios.map((ratio, i) => {
    const beside = intervalOf(ratio.values)
    const cells = i === 0 ? first : [subject, title, '', '']
    const reached = ratio.goal ? goalText(ratio.goal, beside.median) : i === 0 ? own : ''
    return [...cells, `${ratioText(beside)} × ${ratio.of}`, reached]
  })
}

function ratioText({ least, median, most }: Interval): string {
  const range = least === most ? '' : ` (${least.toFixed(2)}–${most.toFixed(2)})`
  return `${median.toFixed(2)}${range}`
}

function goalText(goal: Goal, measured: number): string {
  const sign = goal.bound === 'at least' ? '≥' : '≤'
  return `${sign} ${number(goal.value)}: ${isReached(goal, measured) ? 'reached' : 'short'}`
}

/** Three digits that count, with separators. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((title, i) =>
    Math.max(title.length, ...clean.map((row) => row[i]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...clean.map(line)].join('\n')
}
