import { randomUUID } from 'node:crypto'
import { ApiError } from '@ai-governance/common/errors'
import type { App } from '@ai-governance/common/http/server'
import { jsonObject } from '@ai-governance/common/requests/fields'
import { AIBOM_BODY_LIMIT, AIBOM_MAX_VALUES } from '@ai-governance/common/requests/json-body'
import { type DecisionRules, decisionOf } from '@ai-governance/policy-engine/decision'
import { policySchema } from '@ai-governance/policy-engine/schema/policy-schema'
import { z } from 'zod'
import type { Activation, Stale } from './activation.ts'
import type { ActivationLog } from './activation-log.ts'
import { policyDigestText } from './activation-record.ts'
import type { ActivationRecorder } from './activation-recorder.ts'
import type { AibomJudge } from './aibom-judge.ts'
import type { ActivatedPolicies, Decision, Policies, StaleAnswer } from './answers.ts'

export const ValidateBody = z.strictObject({ payload: jsonObject })

export interface Parts extends Omit<DecisionRules, 'set'> {
  activation: Activation
  judge: AibomJudge
  /** Null where nothing is recorded, like `entries`. */
  recorder: ActivationRecorder | null
  entries: ActivationLog | null
  /** Hears of each decision that is answered. */
  onDecision?: (decision: Decision) => void
}

/** The endpoints of mcp-policy, docs/API.md. */
export function registerRoutes(app: App, parts: Parts): void {
  const { activation, recorder, entries, judge, onDecision, ...rules } = parts

  for (const url of ['/validate', '/api/v1/policies/validate']) {
    app.post(
      url,
      {
        schema: { body: ValidateBody },
        bodyLimit: AIBOM_BODY_LIMIT,
        config: { maxValues: AIBOM_MAX_VALUES },
      },
      async (request): Promise<Decision> => {
        const start = performance.now()
        const { set } = activation.active
        const { payload } = request.body
        const decision = decisionOf(
          { ...rules, set },
          {
            payload,
            aibom: judge(payload.aibom),
            now: new Date(),
            id: randomUUID(),
            elapsedMs: () => performance.now() - start,
          },
        )
        onDecision?.(decision)
        return decision
      },
    )
  }

  app.get('/policies', async (): Promise<Policies> => {
    const { active, stale } = activation
    const { name, version, digest, layers, risk } = active.set
    return {
      ...{ name, version, digest, layers, risk },
      loaded_at: active.loadedAt.toISOString(),
      warnings: active.warnings,
      stale: stale && staleAnswer(stale),
      recorded: recorder?.isRecorded(active) ?? false,
    }
  })

  app.get(
    '/policies/:digest',
    { schema: { params: z.strictObject({ digest: policyDigestText }) } },
    async (request): Promise<ActivatedPolicies> => {
      if (!entries) {
        throw new ApiError(
          'not_found',
          'no policies are recorded here, because AUDIT_URL is not set',
        )
      }
      const entry = await entries.ofDigest(request.params.digest)
      if (!entry) throw new ApiError('not_found', 'the log names no active policies of this digest')
      const { id, entry_hash, created_at, details } = entry
      return { ...details, audit: { id, entry_hash, created_at } }
    },
  )
}

/**
 * What `GET /readyz` says of the policies, where there is something to tell. The service stays ready: it decides by
 * the last good set, and taking every replica out would turn a slip of the pen into an outage.
 */
export function policyNotes({ stale }: Activation): { stale?: StaleAnswer } {
  return stale ? { stale: staleAnswer(stale) } : {}
}

function staleAnswer({ since, errors }: Stale): StaleAnswer {
  return { since: since.toISOString(), errors }
}

/** The JSON Schema of policy files, for editors: `GET /schema/policy.v1.json`. */
export function registerSchemaRoute(app: App): void {
  const schema = policySchema()
  app.get('/schema/policy.v1.json', async () => schema)
}
