import { type Goal, isReached } from '../goals.ts'
import { type Interval, intervalOf } from './figures.ts'
import type { Result } from './result.ts'

const BARS = 420
const VALUES = 110
const ROW = 26
const TOP = 44
const BOTTOM = 30
/** Of a character of a label, in pixels: more than the widest common font of the system takes on average. */
const CHARACTER = 6.8

/** Drawn with the colours of the reader: a page in dark mode shows light text. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .quiet { fill: #59636e; }
  .reached { fill: #2f81c7; }
  .short { fill: #c9812b; }
  .goal, .whisker { stroke: #1f2328; stroke-width: 1.5; }
  .grid { stroke: #59636e; stroke-opacity: 0.25; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .goal, .whisker { stroke: #e6edf3; }
    .grid { stroke: #9198a1; }
  }`

interface Bar {
  label: string
  goal: Goal
  interval: Interval
}

/**
 * The ratios of a run that have a goal, as an SVG: for each a bar to the median, a whisker from the smallest to the largest
 * round, and an upright line at the goal.
 */
export function ratioChart(result: Result): string {
  const bars = barsOf(result)
  const widest = Math.max(
    1,
    ...bars.map(({ goal, interval }) => Math.max(goal.value, interval.most)),
  )
  const longest = Math.max(40, ...bars.map(({ label }) => label.length))
  const left = Math.ceil(18 + CHARACTER * longest)
  const x = (value: number) => round(left + (value / widest) * BARS)
  const height = TOP + ROW * bars.length + BOTTOM
  const width = left + BARS + VALUES
  const title = 'Ratios to a floor in the same run, and their goals'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>${STYLE}
</style>
<text x="10" y="22">${title}</text>
${gridLines(widest)
  .map((value) => gridLine(value, x(value), height))
  .join('\n')}
${bars.map((bar, i) => barOf(bar, TOP + i * ROW, x)).join('\n')}
<text class="quiet" x="10" y="${height - 8}">Upright line: goal. Whisker: smallest and largest round. Blue reaches its goal, orange is short of it.</text>
</svg>
`
}

function barsOf({ subjects }: Result): Bar[] {
  return subjects.flatMap(({ subject, figures }) =>
    figures.flatMap(({ name, what, ratios = [] }) =>
      ratios.flatMap(({ of, values, goal }) => {
        const interval = intervalOf(values)
        const numbers = [interval.least, interval.median, interval.most]
        if (!goal || !numbers.every(Number.isFinite)) return []
        const shown = what === 'rate' ? name : `${name}, ${what}`
        return [{ label: `${subject}: ${shown} ÷ ${of}`, goal, interval }]
      }),
    ),
  )
}

function barOf({ label, goal, interval }: Bar, top: number, x: (value: number) => number): string {
  const state = isReached(goal, interval.median) ? 'reached' : 'short'
  const middle = top + 9
  const [from, to, at] = [x(interval.least), x(interval.most), x(goal.value)]
  const sign = goal.bound === 'at least' ? '≥' : '≤'
  return `<g><title>${escaped(goal.says)}</title>
<text x="${x(0) - 8}" y="${top + 13}" text-anchor="end">${escaped(label)}</text>
<rect class="${state}" x="${x(0)}" y="${top}" width="${round(x(interval.median) - x(0))}" height="18"/>
<path class="whisker" fill="none" d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8"/>
<line class="goal" x1="${at}" y1="${top - 3}" x2="${at}" y2="${top + 21}"/>
<text x="${x(0) + BARS + 8}" y="${top + 13}">${interval.median.toFixed(2)} <tspan class="quiet">${sign} ${goal.value}</tspan></text></g>`
}

function gridLine(value: number, at: number, height: number): string {
  return `<line class="grid" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - BOTTOM + 4}"/>
<text class="quiet" x="${at}" y="${TOP - 10}" text-anchor="middle">${value}</text>`
}

function gridLines(widest: number): number[] {
  const step = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100].find((one) => widest / one <= 6) ?? widest
  return Array.from({ length: Math.floor(widest / step) + 1 }, (_, i) => i * step)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function round(value: number): number {
  return Math.round(10 * value) / 10
}
