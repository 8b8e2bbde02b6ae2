import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EnvironmentError } from '@ai-governance/common/environment'
import { formatLoadProblem, loadPolicySet, type PolicySet } from '@ai-governance/policy-engine/load'

export interface ActivePolicies {
  set: PolicySet
  warnings: string[]
  loadedAt: Date
}

/** Loads the set of a folder. Throws `EnvironmentError` with every error of every file, a line each. */
export async function loadPolicies(folder: string): Promise<ActivePolicies> {
  const result = loadPolicySet(await readFolder(folder))
  if (!result.ok) {
    throw new EnvironmentError([
      `The policies in ${resolve(folder)} are not valid, and without them every decision would be a guess:`,
      ...result.errors.map((error) => `  ${formatLoadProblem(error)}`),
    ])
  }
  return {
    set: result.set,
    warnings: result.warnings.map(formatLoadProblem),
    loadedAt: new Date(),
  }
}

async function readFolder(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)
    return await Promise.all(
      names
        .filter((name) => /\.ya?ml$/i.test(name))
        .map(async (name) => ({ name, content: await readFile(join(folder, name), 'utf8') })),
    )
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw new EnvironmentError([
      `POLICIES_DIR names ${resolve(folder)}, which cannot be read (${reason}): set it to the folder of the policy files.`,
    ])
  }
}
