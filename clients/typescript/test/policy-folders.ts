import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** The policies that the project ships. */
export const SHIPPED = join(import.meta.dirname, '../../../policies')

/** A folder of its own for a test file, gone when its tests are over. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigov-policy-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A copy of the shipped policies in which texts of a file are replaced; each must be there. */
export function changedPolicies(
  folder: string,
  name: string,
  changes: readonly [file: string, from: string, to: string][],
): string {
  const copy = join(folder, name)
  cpSync(SHIPPED, copy, { recursive: true })
  for (const [file, from, to] of changes) {
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`)
    writeFileSync(path, text.replace(from, to))
  }
  return copy
}

/** What the README of the project asks about: allowed by the shipped policies. */
export const ALLOWED = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}
