import { Readable } from 'node:stream'
import { entryJson } from '@ai-governance/common/audit-entry'
import { canonicalJson } from '@ai-governance/common/canonical-json'
import { ApiError } from '@ai-governance/common/errors'
import {
  decimal,
  idParameter,
  jsonObject,
  momentParameter,
  text,
} from '@ai-governance/common/fields'
import { Limiter } from '@ai-governance/common/limiter'
import { nextPageLink, PAGE_BYTES } from '@ai-governance/common/pages'
import type { App } from '@ai-governance/common/server'
import { z } from 'zod'
import type { Appender } from './appender.ts'
import type { AuditStore } from './audit-store.ts'
import { CONTENT_TYPES, exportText, MAX_EXPORTS } from './export.ts'
import type { Verifier } from './verifier.ts'

export const EventBody = z.strictObject({
  event_type: text(200),
  subject: text(500),
  decision: z.boolean(),
  details: jsonObject.default({}),
})

export const EventsQuery = z.strictObject({
  limit: decimal(1, 1_000).default(100),
  // Kept for existing clients; deep reading goes by `before`.
  offset: decimal(0, 10_000).default(0),
  before: idParameter.optional(),
  after: decimal(0, Number.MAX_SAFE_INTEGER).optional(),
  event_type: text(200).optional(),
  subject: text(500).optional(),
  actor: text(600).optional(),
  decision: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  from: momentParameter.optional(),
  to: momentParameter.optional(),
})

export const ExportQuery = z
  .strictObject({
    fmt: z.enum(['json', 'csv', 'ndjson']).default('json'),
    from_id: idParameter.default(1),
    to_id: idParameter.optional(),
  })
  .refine(({ from_id, to_id }) => to_id === undefined || from_id <= to_id, {
    path: ['to_id'],
    message: 'must not be smaller than from_id',
  })

export const VerifyQuery = z.strictObject({
  from_id: idParameter.default(1),
  limit: decimal(1, 500_000).default(100_000),
})

const JSON_TYPE = 'application/json; charset=utf-8'
/** Event types that the control plane writes with the change they attest, and nobody through `/log`. */
const RESERVED = /^(lineage|audit|policy|gate|auth)\./i

export interface Parts {
  store: AuditStore
  appender: Appender
  verifier: Verifier
}

/** The endpoints of mcp-audit, docs/API.md. Entries go out as `entryJson` writes them. */
export function registerRoutes(app: App, { store, appender, verifier }: Parts): void {
  app.post('/log', { schema: { body: EventBody } }, async (request, reply) => {
    const { event_type, subject, decision, details } = request.body
    if (RESERVED.test(event_type)) throw new ApiError('event_type_reserved')
    const entry = await appender.append({
      event_type,
      subject,
      decision,
      details: canonicalJson(details),
      actor: request.actor,
      request_id: request.id,
    })
    return reply.type(JSON_TYPE).send(entryJson(entry))
  })

  app.get('/events', { schema: { querystring: EventsQuery } }, async (request, reply) => {
    const { limit, offset, ...filter } = request.query
    const { entries, more } = await store.newest(filter, { limit, offset, maxBytes: PAGE_BYTES })
    const last = entries.at(-1)
    if (more && last) {
      reply.header('link', nextPageLink(request.url, last.id))
    }
    return reply.type(JSON_TYPE).send(`[${entries.map(entryJson).join(',')}]`)
  })

  app.get(
    '/events/:id',
    { schema: { params: z.object({ id: idParameter }) } },
    async (request, reply) => {
      const entry = await store.entry(request.params.id)
      if (!entry) throw new ApiError('not_found', 'the log has no entry of this id')
      return reply.type(JSON_TYPE).send(entryJson(entry))
    },
  )

  const exports = new Limiter(MAX_EXPORTS)
  app.get('/export', { schema: { querystring: ExportQuery } }, async (request, reply) => {
    const { fmt, from_id, to_id } = request.query
    const lastId = await store.lastId()
    const leave = exports.enter()
    const text = exportText(store, fmt, from_id, Math.min(lastId, to_id ?? lastId))
    const stream = Readable.from(text, { objectMode: false, highWaterMark: 65_536 })
    stream.once('close', leave)
    return reply
      .type(CONTENT_TYPES[fmt])
      .header('content-disposition', `attachment; filename="audit-log.${fmt}"`)
      .send(stream)
  })

  app.get('/verify', { schema: { querystring: VerifyQuery } }, (request) =>
    verifier.verify(request.query),
  )
}
