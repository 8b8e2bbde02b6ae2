import { nameOf } from './input.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { entriesOf } from './policy-export.ts'
import type { PolicyReport } from './policy-report.ts'
import { recordedDecision } from './recorded-decision.ts'
import { recordedPolicies, type UnusablePolicies } from './recorded-policies.ts'
import { Replay } from './replayed.ts'

/** `aigov policy replay` */
export async function replay(file: string, signal: AbortSignal): Promise<PolicyReport> {
  const found = new Replay()
  for await (const { line, entry } of entriesOf(file, signal)) {
    const policies = recordedPolicies(entry)
    if (policies) found.take(policies)
    const decision = recordedDecision(entry)
    if (decision) found.judge(decision, line)
    if (entry.details === null) found.erased += 1
  }
  return reportOf(file, found)
}

/** How many are shown to people; `json` has them all. */
const SHOWN = 100

function reportOf(file: string, replay: Replay): PolicyReport {
  const { equal, erased, sets } = replay
  const unequal = replay.unequal()
  const unusable = replay.unusable
  const total = equal + unequal.length
  const ok = unequal.length === 0
  const texts = unequal.map(({ entry, line, why, differences }) => {
    const what = differences.map((it) => it.what).join(', ')
    const text = [...(what === '' ? [] : [`differs in ${what}`]), ...(why === null ? [] : [why])]
    return { line, text: `entry ${entry}: ${text.join('; ')}` }
  })
  const more = texts.length - SHOWN
  const counts = `${equal} of ${total} decisions under ${sets.size} policy sets judged again: equal`
  return {
    code: ok ? POLICY_EXIT.ok : POLICY_EXIT.failed,
    result: {
      ok,
      decisions: total,
      equal,
      erased,
      policy_sets: [...sets],
      unequal: unequal.map(({ line: _, ...others }) => others),
      unusable_policies: unusable,
    },
    lines: [
      ...texts.slice(0, SHOWN).map(({ text }) => text),
      ...(more > 0 ? [`and ${more} more: --format json has them all`] : []),
      ...unusable.slice(0, SHOWN).map((it) => `${unusableText(it)} (warning)`),
      ...(erased > 0 ? [`${erased} entries have erased details: what they say is not shown`] : []),
      total === 0
        ? 'NOTHING TO REPLAY  no entry holds a decision with its payload'
        : `${ok ? 'EQUAL' : 'NOT EQUAL'}  ${counts}`,
    ],
    findings: [
      ...texts.map(({ line, text }) => ({
        level: 'error' as const,
        code: 'replay_differs',
        message: text,
        place: { file: nameOf(file), line },
      })),
      ...unusable.map((it) => ({
        level: 'warning' as const,
        code: 'policies_unusable',
        message: unusableText(it),
        place: { file: nameOf(file), line: 1 },
      })),
    ],
  }
}

function unusableText({ entry, why }: UnusablePolicies): string {
  return `entry ${entry}: its policies cannot be used: ${why}`
}
