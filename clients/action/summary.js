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
 * @param {import('./gate.js').Receipt | undefined} gate.receipt
 * @returns {string} Markdown
 */
export function summary({ subject, requestId, receipt }) {
  /** @type {[string, string][]} */
  const rows = [['Subject', subject], ...receiptRows(receipt), ['Request', requestId]]
  const table = rows.map(([name, value]) => `| ${name} | ${escapeMarkdown(value)} |`)
  const reasons = receipt?.decision.reasons ?? []
  const more = reasons.length - MOST_REASONS
  return [
    `### Governance gate: ${verdict(receipt)}`,
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
 * @param {import('./gate.js').Receipt | undefined} receipt
 * @returns {[string, string][]}
 */
function receiptRows(receipt) {
  if (!receipt) return []
  const { decision, entry, replayed } = receipt
  // Origin, size and root; signatures are in the receipt.
  const checkpoint = entry.checkpoint.split('\n').slice(0, 3).join(' ')
  return [
    ['Risk', `${decision.risk_score} (${decision.risk_level})`],
    ['Policy', `${decision.policy.name} ${decision.policy.version}`],
    ['Policy digest', decision.policy.digest],
    ['Input digest', decision.input_digest],
    ['Bill of materials', decision.aibom.status],
    ['Decision', decision.decision_id],
    ['Log entry', String(entry.id)],
    ['Entry hash', entry.entry_hash],
    ['Recorded', `${entry.created_at}${replayed ? ', before this request' : ''}`],
    ['Proven under checkpoint', checkpoint || entry.whyNoProof || 'no proof was asked for'],
  ]
}

/** @param {import('./gate.js').Receipt | undefined} receipt */
function verdict(receipt) {
  if (!receipt) return 'no decision'
  return receipt.decision.allowed ? 'allowed' : 'denied'
}
