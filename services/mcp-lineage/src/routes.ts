import { Limiter } from '@ai-governance/common/http/limiter'
import type { App } from '@ai-governance/common/http/server'
import { verificationCounter } from '@ai-governance/common/observability/verification-metrics'
import {
  decimal,
  idParameter,
  jsonObject,
  momentParameter,
  text,
} from '@ai-governance/common/requests/fields'
import { idempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import { AIBOM_BODY_LIMIT, AIBOM_MAX_VALUES } from '@ai-governance/common/requests/json-body'
import { nextPageLink, PAGE_BYTES } from '@ai-governance/common/requests/pages'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { LineageStore } from './lineage-store.ts'
import { type LineageRecord, recordJson } from './record.ts'
import type { Registrar } from './registrar.ts'
import { verifyRecords } from './verify-records.ts'

const modelId = text(200)
const version = text(100)

export const RegisterBody = z.strictObject({
  model_id: modelId,
  version,
  created_by: text(200),
  artifacts: z.array(text(500)).max(1_000).default([]),
  parents: z
    .array(
      z.union([
        z.strictObject({ model_id: modelId, version }),
        z.strictObject({ dataset: text(500) }),
      ]),
    )
    .max(1_000)
    .default([]),
  metadata: jsonObject.default({}),
  aibom: jsonObject.nullable().default(null),
})

const paging = { limit: decimal(1, 1_000).default(100), before: idParameter.optional() }
const revisionFilter = { version: version.optional(), at: momentParameter.optional(), ...paging }
export const RevisionsQuery = z.strictObject(revisionFilter)
export const LineageQuery = z.strictObject({ model_id: modelId, ...revisionFilter })
export const ModelsQuery = z.strictObject(paging)
export const VerifyQuery = z.strictObject({
  from_id: idParameter.default(1),
  limit: decimal(1, 100_000).default(50_000),
})

const JSON_TYPE = 'application/json; charset=utf-8'

/** The endpoints of mcp-lineage, docs/API.md. Records go out as `recordJson` writes them. */
export function registerRoutes(
  app: App,
  { store, registrar }: { store: LineageStore; registrar: Registrar },
): void {
  app.post(
    '/register',
    {
      schema: { body: RegisterBody },
      bodyLimit: AIBOM_BODY_LIMIT,
      config: { maxValues: AIBOM_MAX_VALUES },
    },
    async (request, reply) => {
      const { record, replayed } = await registrar.register(request.body, {
        actor: request.actor,
        requestId: request.id,
        key: idempotencyKey(request.raw.rawHeaders),
      })
      if (replayed) reply.header('idempotency-replayed', 'true')
      return reply.type(JSON_TYPE).send(recordJson(record))
    },
  )

  app.get('/lineage', { schema: { querystring: LineageQuery } }, async (request, reply) => {
    const { limit, before, ...model } = request.query
    const page = await store.revisions(model, { limit, before, maxBytes: PAGE_BYTES })
    return sendPage(request, reply, page)
  })

  app.get(
    '/lineage/:model_id',
    {
      schema: {
        params: z.object({ model_id: modelId }),
        querystring: RevisionsQuery,
      },
    },
    async (request, reply) => {
      const { limit, before, ...filter } = request.query
      const model = { ...filter, model_id: request.params.model_id }
      const page = await store.revisions(model, { limit, before, maxBytes: PAGE_BYTES })
      return sendPage(request, reply, page)
    },
  )

  app.get('/models', { schema: { querystring: ModelsQuery } }, async (request, reply) =>
    sendPage(request, reply, await store.models({ ...request.query, maxBytes: PAGE_BYTES })),
  )

  const verifications = new Limiter(2)
  const counted = verificationCounter(app.metrics)
  app.get('/verify', { schema: { querystring: VerifyQuery } }, (request) =>
    verifications.run(() => verifyRecords(store, request.query)).then(counted),
  )
}

function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { records: LineageRecord[]; more: boolean },
): FastifyReply {
  const last = page.records.at(-1)
  if (page.more && last) reply.header('link', nextPageLink(request.url, last.id))
  return reply.type(JSON_TYPE).send(`[${page.records.map(recordJson).join(',')}]`)
}
