/** One line of the result. */
export interface Figure {
  name: string
  unit: string
  /** One value a round. */
  values: number[]
  /** The figure's median divided by that of the floor, where it has one. */
  ratio?: { of: string; value: number }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Half the distance between smallest and largest, as a share of the median. */
function spread(values: readonly number[]): string {
  if (values.length < 2) return ''
  return `± ${Math.round((50 * (Math.max(...values) - Math.min(...values))) / median(values))} %`
}

export function printTable(machine: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ name, unit, values, ratio }) => [
    name,
    `${Math.round(median(values)).toLocaleString('en')} ${unit}`,
    spread(values),
    ratio ? `${ratio.value.toFixed(2)} × ${ratio.of}` : '',
  ])
  const head = ['figure', 'median', 'spread', 'ratio']
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] as string).length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`
  console.log(`${machine}\n`)
  console.log(line(head))
  console.log(line(widths.map((width) => '-'.repeat(width))))
  for (const row of rows) console.log(line(row))
}

/** The value that the given share of the others does not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
