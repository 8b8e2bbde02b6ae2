import { type LoadProblem, loadPolicySet, loadTests, type PolicySet } from './policy-engine.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { findingOf, problemLine, readPolicyFolder } from './policy-folder.ts'
import type { PolicyReport } from './policy-report.ts'

/** `aigov policy lint` */
export async function lint(folder: string): Promise<PolicyReport> {
  const files = await readPolicyFolder(folder)
  const loaded = loadPolicySet(files)
  const tests = loaded.ok ? loadTests(files, loaded.set) : null
  const errors = loaded.ok ? (tests?.ok === false ? tests.errors : []) : loaded.errors
  const warnings = loaded.ok ? loaded.warnings : []
  return {
    code: errors.length === 0 ? POLICY_EXIT.ok : POLICY_EXIT.invalid,
    result: {
      ok: errors.length === 0,
      policy: loaded.ok ? identityOf(loaded.set) : null,
      errors,
      warnings,
    },
    lines: [
      ...errors.map((problem) => problemLine(folder, problem)),
      ...warnings.map((problem) => `${problemLine(folder, problem)} (warning)`),
      summary(folder, loaded.ok ? loaded.set : null, errors),
    ],
    findings: [
      ...errors.map((problem) => findingOf(folder, problem, 'error')),
      ...warnings.map((problem) => findingOf(folder, problem, 'warning')),
    ],
  }
}

/** What identifies a set, as answers name it. */
export function identityOf({ name, version, digest }: PolicySet) {
  return { name, version, digest }
}

function summary(
  folder: string,
  set: PolicySet | null,
  { length: count }: readonly LoadProblem[],
): string {
  if (!set || count > 0) return `INVALID  ${count} ${count === 1 ? 'error' : 'errors'} in ${folder}`
  const rules = set.compiled.rules.length
  return `VALID  ${set.name} ${set.version}: ${rules} ${rules === 1 ? 'rule' : 'rules'}, ${set.digest}`
}
