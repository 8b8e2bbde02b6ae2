import { entryJson } from '@ai-governance/common/formats/audit-entry'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import type { App } from '@ai-governance/common/http/server'
import { decimal, idParameter, momentParameter, text } from '@ai-governance/common/requests/fields'
import { nextPageLink } from '@ai-governance/common/requests/pages'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { AuditStore } from './audit-store.ts'
import type { Caller, ErasureStore, Hold } from './erasure-store.ts'
import { readBack } from './read-back.ts'

const reason = text(1_000)
const bodyId = z.int().min(1)

export const EraseBody = z.strictObject({ reason, legal_basis: text(1_000) })
export const HoldBody = z.union([
  z.strictObject({ subject: text(500), reason }),
  z
    .strictObject({ first_id: bodyId, last_id: bodyId, reason })
    .refine(({ first_id, last_id }) => first_id <= last_id, {
      path: ['last_id'],
      message: 'must not be smaller than first_id',
    }),
])
export const ReleaseBody = z.strictObject({ reason })
export const HoldsQuery = z.strictObject({
  limit: decimal(1, 1_000).default(100),
  before: idParameter.optional(),
})
export const RetentionBody = z.strictObject({
  before: momentParameter,
  event_type: text(200).optional(),
  reason,
  legal_basis: text(1_000),
})

const JSON_TYPE = 'application/json; charset=utf-8'
const params = z.object({ id: idParameter })

export interface ErasureParts {
  store: AuditStore
  erasures: ErasureStore
  /** Hears how many entries lost their details. */
  onErased: (count: number) => void
}

/** Erasure, legal holds and retention, docs/API.md. */
export function registerErasureRoutes(app: App, { store, erasures, onErased }: ErasureParts): void {
  app.post('/events/:id/erase', { schema: { params, body: EraseBody } }, async (request, reply) => {
    const { count, auditId } = await erasures.erase(
      request.params.id,
      request.body,
      callerOf(request),
    )
    onErased(count)
    return reply
      .type(JSON_TYPE)
      .send(`{"count":${count},"audit":${await entryText(store, auditId)}}`)
  })

  app.post('/retention', { schema: { body: RetentionBody } }, async (request, reply) => {
    const { count, skippedHeld, more, auditId } = await erasures.retain(
      request.body,
      callerOf(request),
    )
    onErased(count)
    const audit = await entryText(store, auditId)
    return reply
      .type(JSON_TYPE)
      .send(`{"count":${count},"skipped_held":${skippedHeld},"more":${more},"audit":${audit}}`)
  })

  app.post('/holds', { schema: { body: HoldBody } }, async (request) => {
    const { reason: why, ...on } = request.body
    const id = await erasures.hold(on, why, callerOf(request))
    return holdJson(await readBack(erasures.heldAs(id)))
  })

  app.post('/holds/:id/release', { schema: { params, body: ReleaseBody } }, async (request) => {
    const { id } = request.params
    await erasures.release(id, request.body.reason, callerOf(request))
    return holdJson(await readBack(erasures.heldAs(id)))
  })

  app.get('/holds', { schema: { querystring: HoldsQuery } }, async (request, reply) => {
    const { limit, before } = request.query
    const holds = await erasures.holds({ limit: limit + 1, before })
    const shown = holds.slice(0, limit)
    const last = shown.at(-1)
    if (holds.length > limit && last) reply.header('link', nextPageLink(request.url, last.id))
    return shown.map(holdJson)
  })
}

function callerOf(request: FastifyRequest): Caller {
  return { actor: request.actor, requestId: request.id }
}

/** The entry that attests a change that was just committed. */
async function entryText(store: AuditStore, id: number): Promise<string> {
  const entry = await readBack(store.entry(id))
  if (!entry) throw new Error(`entry ${id} was appended and is not in the log`)
  return entryJson(entry)
}

function holdJson({ created_at_us, released_at_us, ...hold }: Hold) {
  return {
    ...hold,
    created_at: formatMicroseconds(created_at_us),
    released_at: released_at_us === null ? null : formatMicroseconds(released_at_us),
  }
}
