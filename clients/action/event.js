/**
 * What the log keeps of a decision: enough to find it again, to see by which rules and on what input it was
 * made, and which job asked. Nobody's name: entries stay for ever.
 *
 * @param {import('./answers.js').Decision} decision
 * @param {{ subject: string, eventType: string }} inputs
 * @param {Record<string, string | undefined>} env with the variables `GITHUB_*` of the job
 * @returns {import('./answers.js').LogEvent}
 */
export function logEvent(decision, { subject, eventType }, env) {
  return {
    event_type: eventType,
    subject,
    decision: decision.allowed,
    details: {
      decision_id: decision.decision_id,
      policy: decision.policy,
      input_digest: decision.input_digest,
      risk_score: decision.risk_score,
      risk_level: decision.risk_level,
      reasons: decision.reasons,
      aibom: decision.aibom,
      job: {
        server: env.GITHUB_SERVER_URL ?? null,
        repository: env.GITHUB_REPOSITORY ?? null,
        sha: env.GITHUB_SHA ?? null,
        run_id: env.GITHUB_RUN_ID ?? null,
        run_attempt: env.GITHUB_RUN_ATTEMPT ?? null,
      },
    },
  }
}
