import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ratioChart } from './chart.ts'
import type { Result } from './result.ts'
import { resultTable } from './table.ts'

const FOLDER = join(import.meta.dirname, '..', 'results')

/**
 * Writes a result as JSON, table and chart into bench/results: as `full.*`, which are committed, where all that is measured by
 * default was measured at full length and nothing was skipped, else as `latest.*`. Returns the path of the table.
 */
export function writeResult(result: Result, isFull: boolean): string {
  const path = join(FOLDER, isFull ? 'full' : 'latest')
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${path}.json`, `${JSON.stringify(result, null, 1)}\n`)
  writeFileSync(`${path}.md`, `# Result of npm run bench\n\n${resultTable(result)}\n`)
  writeFileSync(`${path}.svg`, ratioChart(result))
  return `${path}.md`
}
