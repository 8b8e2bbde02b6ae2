import type { Finding } from '../findings.ts'
import { INVARIANTS } from '../invariants.ts'
import type { Recorded } from './decisions.ts'
import type { Answer, Decided } from './history.ts'

const STATUSES = [0, 200, 503]

/**
 * What must be true of every answer, whatever was killed: no decision without its entry, one entry under a key, the
 * recorded decision for whoever asks again. `calls` is how many were to be made at least, retries not counted,
 * `chainFault` what a reader of every row has against the log.
 */
export function gateFindings(
  answers: readonly Answer[],
  decisions: ReadonlyMap<number, Recorded>,
  calls: number,
  chainFault: string | null,
): Finding[] {
  const decided = answers.filter((it): it is Answer & { decided: Decided } => it.decided !== null)
  const byName = Map.groupBy(answers, ({ name }) => name)
  const recorded = Map.groupBy(decisions.values(), ({ name }) => name)
  const wrong = decided.filter((answer) => !isOnRecord(answer, decisions))
  const two = [...recorded].filter(([, entries]) => entries.length > 1)
  const unsettled = [...byName].filter(([name, [first]]) => first?.isKeyed && !recorded.has(name))
  const changed = [...byName.values()].filter((own) => own[0]?.isKeyed && idsOf(own).size > 1)
  const other = answers.filter(({ status }) => !STATUSES.includes(status))
  const allowed = decided.filter((answer) => answer.decided.allowed).length
  const failed = answers.length - decided.length
  return [
    {
      what: 'calls of the gate, answers, allows',
      figure: `${byName.size}, ${answers.length}, ${allowed}`,
      holds: byName.size >= calls && allowed > 0,
      isHeadline: true,
    },
    { what: 'answers that were none', figure: tally(answers), holds: failed > 0 ? null : false },
    {
      what: 'I5 and I1: decisions answered without their entry',
      ...none(wrong.map(({ name }) => name)),
      invariants: ['I1', 'I5'],
    },
    {
      what: 'I3 calls with two entries',
      ...none(two.map(([name]) => name)),
      invariants: ['I3'],
    },
    {
      what: 'I4 keyed calls that came to nothing',
      ...none(unsettled.map(([name]) => name)),
      invariants: ['I4'],
    },
    {
      what: 'I3 keys that gave two decisions',
      ...none(changed.map(([first]) => first?.name ?? '')),
      invariants: ['I3'],
    },
    {
      what: 'I6 answers other than 200 and 503',
      ...none(other.map(({ status, code }) => `${status} ${code}`)),
      invariants: ['I6'],
    },
    {
      what: `I2 ${INVARIANTS.I2}`,
      figure: chainFault ?? 'holds',
      holds: chainFault === null,
      invariants: ['I2'],
    },
  ]
}

function isOnRecord(
  { name, decided }: Answer & { decided: Decided },
  decisions: ReadonlyMap<number, Recorded>,
): boolean {
  const entry = decisions.get(decided.id)
  return (
    entry !== undefined &&
    entry.entryHash === decided.entryHash &&
    entry.name === name &&
    entry.decision === decided.allowed &&
    entry.allowed === decided.allowed &&
    entry.decisionId === decided.decisionId
  )
}

const idsOf = (answers: readonly Answer[]) =>
  new Set(
    answers.flatMap(({ decided }) => (decided ? [`${decided.id} ${decided.decisionId}`] : [])),
  )

function none(names: readonly string[]): Pick<Finding, 'figure' | 'holds'> {
  const some = names.length > 0 ? `: ${names.slice(0, 5).join(', ')}` : ''
  return { figure: `${names.length}${some}`, holds: names.length === 0 }
}

/** How often each answer came that was no decision, as `503 not_recorded 17`. */
function tally(answers: readonly Answer[]): string {
  const groups = Map.groupBy(
    answers.filter(({ decided }) => decided === null),
    ({ status, code }) => `${status === 0 ? '' : status} ${code}`.trim(),
  )
  return [...groups].map(([what, own]) => `${what} ${own.length}`).join(', ')
}
