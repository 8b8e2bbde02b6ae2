import { oneLine } from './commands.js'

/** How many reasons are shown. The log has all of them. */
export const MOST_REASONS = 50

/**
 * A text for a cell of a Markdown table: every ASCII punctuation character as an entity, which stands for
 * itself and never for Markdown or HTML (CommonMark §2.5).
 *
 * @param {string} text
 */
export function escapeMarkdown(text) {
  return oneLine(text).replace(/[!-/:-@[-`{-~]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/**
 * The summary of the job: one table, and below it the reasons.
 *
 * @param {object} gate
 * @param {string} gate.subject
 * @param {string} gate.requestId
 * @param {import('./answers.js').Decision | undefined} gate.decision
 * @param {import('./answers.js').Entry | undefined} gate.entry
 * @returns {string} Markdown
 */
export function summary({ subject, requestId, decision, entry }) {
  /** @type {[string, string][]} */
  const rows = [['Subject', subject]]
  if (decision) {
    rows.push(
      ['Risk', `${decision.risk_score} (${decision.risk_level})`],
      ['Policy', `${decision.policy.name} ${decision.policy.version}`],
      ['Policy digest', decision.policy.digest],
      ['Input digest', decision.input_digest],
      ['Bill of materials', decision.aibom.status],
      ['Decision', decision.decision_id],
    )
  }
  rows.push(
    ['Log entry', entry ? String(entry.id) : 'not recorded'],
    ...(entry ? [/** @type {[string, string]} */ (['Entry hash', entry.entry_hash])] : []),
    ['Request', requestId],
  )
  const table = rows.map(([name, value]) => `| ${name} | ${escapeMarkdown(value)} |`)
  const reasons = decision?.reasons ?? []
  const more = reasons.length - MOST_REASONS
  return [
    `### Governance gate: ${verdict(decision, entry)}`,
    '',
    '| | |',
    '| --- | --- |',
    ...table,
    '',
    ...reasons.slice(0, MOST_REASONS).map((reason) => `- ${escapeMarkdown(reason)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    '',
  ].join('\n')
}

/**
 * @param {import('./answers.js').Decision | undefined} decision
 * @param {import('./answers.js').Entry | undefined} entry
 */
function verdict(decision, entry) {
  if (!decision) return 'no decision'
  if (!decision.allowed) return 'denied'
  return entry ? 'allowed' : 'not allowed, because the decision is not on record'
}
