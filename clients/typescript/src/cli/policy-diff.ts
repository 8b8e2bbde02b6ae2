import { join } from 'node:path'
import { usage } from './exit.ts'
import { judgeUnder } from './judge-again.ts'
import { type PolicyChange, policyChanges } from './policy-changes.ts'
import type { PolicySet } from './policy-engine.ts'
import { POLICY_EXIT, type PolicyExitCode } from './policy-exit.ts'
import { entriesOf } from './policy-export.ts'
import type { Finding } from './policy-finding.ts'
import { loadFolder } from './policy-folder.ts'
import { identityOf } from './policy-lint.ts'
import type { PolicyReport } from './policy-report.ts'
import { recordedDecision, type UnreadableDecision } from './recorded-decision.ts'

/** What to compare. */
export interface DiffOrder {
  folder: string
  /** Of two folders the newer one. */
  newer: string | undefined
  /** An export with decisions to judge again. */
  file: string | undefined
}

/** `aigov policy diff` */
export async function diff(
  { folder, newer, file }: DiffOrder,
  signal: AbortSignal,
): Promise<PolicyReport> {
  if (newer === undefined && file === undefined) {
    throw usage('Name a second folder, or an export with --export, to compare with.')
  }
  const loaded = await loadFolder(newer ?? folder)
  if ('report' in loaded) return loaded.report
  const old = newer === undefined ? null : await loadFolder(folder)
  if (old && 'report' in old) return old.report
  const changes = old ? policyChanges(old.files, loaded.files) : []
  const turns =
    file === undefined
      ? null
      : await turnsOf(file, { set: loaded.set, old: old?.set ?? null }, signal)
  const turned = turns?.turned ?? []
  const unreadable = turns?.unreadable ?? []
  const folders = { old: folder, new: newer ?? folder }
  return {
    code: codeOf(turned.length, unreadable.length),
    result: {
      before: old && identityOf(old.set),
      after: identityOf(loaded.set),
      changes: changes.map(({ side: _, ...change }) => change),
      ...(turns && { decisions: turns.decisions, unreadable, turned }),
    },
    lines: [
      ...changes.map((change) => changeLine(change, folders)),
      ...(old && changes.length === 0 ? [sameLine(old.set, loaded.set)] : []),
      ...(turns ? turnsLines(turns) : []),
    ],
    findings: [
      ...changes.map((change) => changeFinding(change, folders)),
      ...turned.map((turn): Finding => {
        const place = { file: newer ?? folder, line: 1 }
        return { level: 'warning', code: 'decision_turns', message: turnLine(turn), place }
      }),
      ...unreadable.map((one): Finding => {
        const place = { file: file as string, line: 1 }
        return { level: 'error', code: 'decision_unreadable', message: unreadableLine(one), place }
      }),
    ],
  }
}

/** What cannot be read may turn as well: a gate must not take it for nothing. */
function codeOf(turned: number, unreadable: number): PolicyExitCode {
  if (unreadable > 0) return POLICY_EXIT.failed
  return turned > 0 ? POLICY_EXIT.denied : POLICY_EXIT.ok
}

/** A recorded decision that another policy set would decide the other way. */
interface Turn {
  entry: number
  before: boolean
  after: boolean
  /** Why it was, or would be, denied. */
  reasons: string[]
}

/** `set` is compared with `old`, or without that with what was decided. */
async function turnsOf(
  file: string,
  { set, old }: { set: PolicySet; old: PolicySet | null },
  signal: AbortSignal,
) {
  const turned: Turn[] = []
  let decisions = 0
  const unreadable: UnreadableDecision[] = []
  for await (const { entry } of entriesOf(file, signal)) {
    const recorded = recordedDecision(entry)
    if (!recorded) continue
    if ('why' in recorded) {
      unreadable.push(recorded)
      continue
    }
    decisions += 1
    const before = old ? judgeUnder(old, recorded) : recorded.answer
    const after = judgeUnder(set, recorded)
    if (before.allowed === after.allowed) continue
    const { reasons } = after.allowed ? before : after
    turned.push({ entry: entry.id, before: before.allowed, after: after.allowed, reasons })
  }
  return { decisions, unreadable, turned }
}

function turnsLines({ decisions, unreadable, turned }: Awaited<ReturnType<typeof turnsOf>>) {
  return [
    ...turned.map(turnLine),
    ...unreadable.map(unreadableLine),
    `${turned.length} of ${decisions} recorded decisions would turn.`,
  ]
}

function sameLine(old: PolicySet, now: PolicySet): string {
  const isSame = old.digest === now.digest
  return `The policies say the same${isSame ? '' : ' in another order'}.`
}

const verdict = (allowed: boolean): string => (allowed ? 'allowed' : 'denied')

function turnLine({ entry, before, after, reasons }: Turn): string {
  return `entry ${entry}: ${verdict(before)} becomes ${verdict(after)}: ${reasons.join(' ')}`
}

function unreadableLine({ entry, why }: UnreadableDecision): string {
  return `entry ${entry} cannot be judged: ${why}.`
}

function changeLine(change: PolicyChange, folders: Record<PolicyChange['side'], string>): string {
  const { file, line, side } = change
  return `${join(folders[side], file)}:${line} ${changeText(change)}`
}

function changeText({ kind, path, before, after }: PolicyChange): string {
  const what = path === '' ? 'the file' : path
  if (kind === 'changed')
    return `changed ${what}: ${JSON.stringify(before)} becomes ${JSON.stringify(after)}`
  return path === '' ? `${kind} ${what}` : `${kind} ${what}: ${JSON.stringify(before ?? after)}`
}

function changeFinding(
  change: PolicyChange,
  folders: Record<PolicyChange['side'], string>,
): Finding {
  const { kind, file, line, side } = change
  const place = { file: join(folders[side], file), line }
  return { level: 'note', code: `policy_${kind}`, message: changeText(change), place }
}
