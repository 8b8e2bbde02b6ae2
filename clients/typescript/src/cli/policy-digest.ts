import type { Context } from './context.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { loadFolder } from './policy-folder.ts'
import { identityOf } from './policy-lint.ts'
import type { PolicyReport } from './policy-report.ts'

/** `aigov policy digest` */
export async function digest(
  context: Context,
  folder: string,
  served: boolean,
): Promise<PolicyReport> {
  const loaded = await loadFolder(folder)
  if ('report' in loaded) return loaded.report
  const policy = identityOf(loaded.set)
  const lines = [policy.digest]
  if (!served) return { code: POLICY_EXIT.ok, result: policy, lines, findings: [] }
  const active = await context.client().policy.policies({ signal: context.signal })
  const isServed = active.digest === policy.digest
  const message = isServed
    ? `${context.url} decides by these policies.`
    : `${context.url} decides by ${active.name} ${active.version}, ${active.digest}, not by those in ${folder}.`
  return {
    code: isServed ? POLICY_EXIT.ok : POLICY_EXIT.failed,
    result: { ...policy, served: active.digest },
    lines,
    notes: [message],
    findings: isServed
      ? []
      : [{ level: 'error', code: 'not_served', message, place: { file: folder, line: 1 } }],
  }
}
