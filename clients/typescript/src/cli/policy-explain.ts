import type { JsonObject } from '../json.ts'
import { usage } from './exit.ts'
import { readJsonObject, readPayload } from './input.ts'
import { evaluate, type PolicySet, type Verdict } from './policy-engine.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { becauseText, explanationLines, OUTCOMES } from './policy-explanation.ts'
import type { Finding } from './policy-finding.ts'
import { loadFolder, placeOf } from './policy-folder.ts'
import { identityOf } from './policy-lint.ts'
import type { PolicyReport } from './policy-report.ts'

export interface ExplainOptions {
  at?: string
  aibomEvidence?: string
}

/** `aigov policy explain` */
export async function explain(
  file: string,
  folder: string,
  { at, aibomEvidence }: ExplainOptions,
): Promise<PolicyReport> {
  if (file === '-' && aibomEvidence === '-') {
    throw usage('Standard input ("-") can be read once only.')
  }
  const now = at === undefined ? new Date() : momentOf(at)
  const loaded = await loadFolder(folder)
  if ('report' in loaded) return loaded.report
  const { set } = loaded
  const payload = await readPayload(file)
  const evidence: JsonObject | null =
    aibomEvidence === undefined ? null : await readJsonObject(aibomEvidence)
  const verdict = evaluate(set, { payload, evidence, now })
  return {
    code: verdict.allowed ? POLICY_EXIT.ok : POLICY_EXIT.denied,
    result: { ...verdict, at: now.toISOString(), policy: identityOf(set) },
    lines: [
      ...explanationLines(verdict, (place) => textOf(placeOf(folder, place))),
      `policies ${set.name} ${set.version}, ${set.digest}`,
      `at ${now.toISOString()}, ${evidenceText(payload, evidence)}`,
    ],
    findings: findingsOf(folder, set, verdict),
  }
}

function evidenceText(payload: JsonObject, evidence: JsonObject | null): string {
  if (evidence) return 'with the evidence given'
  if (payload.aibom === undefined) return 'without a bill of materials'
  return 'the bill of materials in the payload is not verified here and counts as none'
}

/** A moment in UTC. Fails with exit code 2 for anything that another reader could take otherwise. */
function momentOf(text: string): Date {
  const isUtc = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/.test(text)
  const moment = new Date(text)
  // 30 February is read as 2 March.
  if (
    isUtc &&
    !Number.isNaN(moment.getTime()) &&
    moment.toISOString().startsWith(text.slice(0, 19))
  )
    return moment
  throw usage('--at must be a moment in UTC, such as 2026-11-30T12:00:00Z.')
}

const textOf = ({ file, line }: Finding['place']): string => `${file}:${line}`

/** What denies is an error, what warns a warning, what is only observed or waived a note. */
function findingsOf(folder: string, set: PolicySet, { explanation }: Verdict): Finding[] {
  const modes = new Map(set.compiled.rules.map(({ id, mode }) => [id, mode]))
  const levels = { block: 'error', warn: 'warning', observe: 'note' } as const
  const shown = explanation.filter(({ outcome }) => !['kept', 'not_applicable'].includes(outcome))
  return shown.map(({ rule, outcome, at, because }) => ({
    level: outcome === 'waived' ? 'note' : levels[modes.get(rule) ?? 'block'],
    code: rule,
    message: `${OUTCOMES[outcome]}: ${because.map(becauseText).join('; ')}`,
    place: placeOf(folder, at),
  }))
}
