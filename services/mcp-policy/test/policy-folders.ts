import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A set that admits one color; `weight` is that of its only risk factor. */
export function policyFiles(color: string, weight = 1): Record<string, string> {
  return {
    'colors.yml': `policy: colors
version: 1.0.0
inputs:
  color: { type: string }
rules:
  - id: color
    require: { field: color, op: eq, value: ${color} }
    reason: The color is not the agreed one.
`,
    'risk-matrix.yml': `weights: { size: ${weight} }
levels: { low: 0 }
deny_at: ${weight * 4}
`,
  }
}

/** Tests of that set, which say that a request of this color is allowed. */
export function testsOf(color: string): Record<string, string> {
  return {
    'colors.tests.yml': `tests: colors.yml
at: 2026-11-23T00:00:00Z
base: { color: ${color}, risk: { size: 1 } }
cases:
  - name: the agreed color
    expect: { allowed: true }
`,
  }
}

export interface Folders {
  /** The path to give to the service: a symbolic link, as mounted Kubernetes volumes have. */
  current: string
  /** Lets the path lead to a new folder with these files, by one rename. */
  swap(files: Record<string, string>): void
  /** Writes a file of the folder in place. */
  write(name: string, content: string): void
  remove(): void
}

/** A policy folder of the test's own. */
export function policyFolders(files: Record<string, string>): Folders {
  const root = mkdtempSync(join(tmpdir(), 'mcp-policy-folder-'))
  const current = join(root, 'current')
  let count = 0
  const swap = (next: Record<string, string>) => {
    count += 1
    const folder = join(root, String(count))
    mkdirSync(folder)
    for (const [name, content] of Object.entries(next)) writeFileSync(join(folder, name), content)
    symlinkSync(folder, `${current}.new`)
    renameSync(`${current}.new`, current)
  }
  swap(files)
  return {
    current,
    swap,
    write: (name, content) => writeFileSync(join(current, name), content),
    remove: () => rmSync(root, { recursive: true }),
  }
}

/** Resolves with what `ask` gives as soon as `good` says so of it. */
export async function until<T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask()
    if (good(value)) return value
    await sleep(5)
  }
}
