import { jsonObject } from '@ai-governance/common/fields'
import { AIBOM_BODY_LIMIT, AIBOM_MAX_VALUES } from '@ai-governance/common/json-body'
import type { App } from '@ai-governance/common/server'
import { z } from 'zod'
import type { Policies } from './answers.ts'
import { type DecisionRules, decide } from './decide.ts'
import type { ActivePolicies } from './policy-folder.ts'

export const ValidateBody = z.strictObject({ payload: jsonObject })

export interface Parts extends Omit<DecisionRules, 'set'> {
  active: ActivePolicies
}

/** The endpoints of mcp-policy, docs/API.md. */
export function registerRoutes(app: App, { active, ...parts }: Parts): void {
  const rules: DecisionRules = { ...parts, set: active.set }

  for (const url of ['/validate', '/api/v1/policies/validate']) {
    app.post(
      url,
      {
        schema: { body: ValidateBody },
        bodyLimit: AIBOM_BODY_LIMIT,
        config: { maxValues: AIBOM_MAX_VALUES },
      },
      async (request) => {
        const start = performance.now()
        return decide(rules, request.body.payload, new Date(), () => performance.now() - start)
      },
    )
  }

  app.get(
    '/policies',
    async (): Promise<Policies> => ({
      name: active.set.name,
      version: active.set.version,
      digest: active.set.digest,
      layers: active.set.layers,
      risk: active.set.risk,
      loaded_at: active.loadedAt.toISOString(),
      warnings: active.warnings,
      stale: null,
    }),
  )
}
