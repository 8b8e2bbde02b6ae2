import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import type { App } from '@ai-governance/common/http/server'
import { text } from '@ai-governance/common/requests/fields'
import { AIBOM_BODY_LIMIT, AIBOM_MAX_VALUES } from '@ai-governance/common/requests/json-body'
import { assessAibom } from '@ai-governance/policy-engine/aibom/assess'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'
import { z } from 'zod'
import type { AibomJudge } from './aibom-judge.ts'

export const VerifyAibomBody = z.strictObject({
  /** Whatever stands at `payload.aibom`: what is no bill is told by the result. */
  aibom: z.custom<JsonValue>((value) => value !== undefined, 'must be there; null stands for none'),
  model_id: text(200).optional(),
  version: text(100).optional(),
  artifacts: z.array(text(500)).max(1000).optional(),
})

/** `POST /aibom/verify`, docs/API.md: the result alone, with `bound` where a model is named. */
export function registerAibomRoutes(app: App, judge: AibomJudge): void {
  app.post(
    '/aibom/verify',
    {
      schema: { body: VerifyAibomBody },
      bodyLimit: AIBOM_BODY_LIMIT,
      config: { maxValues: AIBOM_MAX_VALUES },
    },
    async (request): Promise<AibomResult> => {
      const { aibom, ...names } = request.body
      const judged = judge(aibom)
      if (Object.keys(names).length === 0) return judged
      return assessAibom(names as JsonObject, aibom, judged).result
    },
  )
}
