import { Readable } from 'node:stream'
import { ApiError } from '@ai-governance/common/errors'
import { entryJson } from '@ai-governance/common/formats/audit-entry'
import { Limiter } from '@ai-governance/common/http/limiter'
import type { App } from '@ai-governance/common/http/server'
import { verificationCounter } from '@ai-governance/common/observability/verification-metrics'
import { decimal, idParameter, momentParameter, text } from '@ai-governance/common/requests/fields'
import { nextPageLink, PAGE_BYTES } from '@ai-governance/common/requests/pages'
import { z } from 'zod'
import type { AuditStore } from './audit-store.ts'
import { CONTENT_TYPES, exportText, MAX_EXPORTS } from './export.ts'
import type { ExportStore } from './export-store.ts'
import { acceptsGzip, gzipped } from './gzip.ts'
import { attestation, checkpointOrReason } from './signer/attestation.ts'
import type { Signer } from './signer/signer.ts'
import type { Prover } from './tree/prover.ts'
import type { Turns } from './turns.ts'
import type { Verifier } from './verifier.ts'
import type { Witnessed } from './witness/witnessed.ts'

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
    witnessed: z
      .enum(['true', 'false'])
      .transform((value) => value === 'true')
      .default(false),
  })
  .refine(({ from_id, to_id }) => to_id === undefined || from_id <= to_id, {
    path: ['to_id'],
    message: 'must not be smaller than from_id',
  })

export const VerifyQuery = z.strictObject({
  from_id: idParameter.default(1),
  limit: decimal(1, 500_000).default(100_000),
})

/** Pages of more entries than this take turns: one keeps the event loop busy for some 10 ms. */
const LARGE_PAGE = 100

const JSON_TYPE = 'application/json; charset=utf-8'

/** Turns of reads that take long, each of its own: none waits for another kind, and together they leave connections over. */
export interface ReadTurns {
  exports: Turns
  largePages: Turns
  /** Pages by actor or by decision, for which there is no index: they may read the whole log. */
  searches: Turns
}

export interface ReadParts {
  store: AuditStore
  lines: ExportStore
  turns: ReadTurns
  signer: Signer
  prover: Prover
  verifier: Verifier
  witnessed: Witnessed
}

/** The endpoints that read and verify, docs/API.md. Entries go out as `entryJson` writes them. */
export function registerReadRoutes(app: App, parts: ReadParts): void {
  const { store, lines, turns, signer, prover, verifier, witnessed } = parts

  app.get('/events', { schema: { querystring: EventsQuery } }, async (request, reply) => {
    const { limit, offset, ...filter } = request.query
    const page = async () => {
      const { entries, more } = await store.newest(filter, { limit, offset, maxBytes: PAGE_BYTES })
      const last = entries.at(-1)
      if (more && last) reply.header('link', nextPageLink(request.url, last.id))
      return `[${entries.map(entryJson).join(',')}]`
    }
    const isSearch = filter.actor !== undefined || filter.decision !== undefined
    const turn = isSearch ? turns.searches : limit > LARGE_PAGE ? turns.largePages : null
    return reply.type(JSON_TYPE).send(await (turn ? turn.run(page) : page()))
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
    const leave = exports.enter()
    try {
      // An export that is to be witnessed and cannot be has no use; any other is better unsigned than not there.
      const signed = request.query.witnessed
        ? await witnessed.newest()
        : await checkpointOrReason(signer, witnessed)
      const checkpoint = signed instanceof ApiError ? null : signed
      if (signed instanceof ApiError && signed.code !== 'signing_key_missing') {
        request.log.error({ code: signed.code, detail: signed.detail }, 'the export is not signed')
      }
      const end = checkpoint?.size ?? (await store.lastId())
      const text = exportText(
        { entries: store, lines, turns: turns.exports },
        {
          format: fmt,
          from: from_id,
          to: Math.min(end, to_id ?? end),
          attest: (lastId) => attestation(signer, prover, checkpoint, from_id, lastId),
        },
      )
      const stream = Readable.from(text, { objectMode: false, highWaterMark: 65_536 })
      stream.once('close', leave)
      reply
        .type(CONTENT_TYPES[fmt])
        .header('content-disposition', `attachment; filename="audit-log.${fmt}"`)
        .header('vary', 'accept-encoding')
      if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(stream)
      return reply.header('content-encoding', 'gzip').send(gzipped(stream))
    } catch (error) {
      leave()
      throw error
    }
  })

  const counted = verificationCounter(app.metrics)
  app.get('/verify', { schema: { querystring: VerifyQuery } }, (request) =>
    verifier.verify(request.query).then(counted),
  )
}
