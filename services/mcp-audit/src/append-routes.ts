import { ApiError } from '@ai-governance/common/errors'
import { type AuditEntry, entryJson } from '@ai-governance/common/formats/audit-entry'
import { canonicalJson } from '@ai-governance/common/formats/canonical-json'
import { DEFAULT_MAX_VALUES } from '@ai-governance/common/formats/strict-json'
import type { App } from '@ai-governance/common/http/server'
import { jsonObject, text } from '@ai-governance/common/requests/fields'
import { idempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import {
  BATCH_BODY_LIMIT,
  BATCH_EVENTS,
  BATCH_MAX_VALUES,
  DEFAULT_BODY_LIMIT,
} from '@ai-governance/common/requests/json-body'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Appended, Appender } from './appender.ts'
import { mayAppend } from './reserved-types.ts'
import { base64 } from './signer/attestation.ts'
import type { Signer } from './signer/signer.ts'
import type { Prover } from './tree/prover.ts'

export const EventBody = z.strictObject({
  event_type: text(200),
  subject: text(500),
  decision: z.boolean(),
  details: jsonObject.default({}),
})

export const BatchBody = z.strictObject({
  events: z.array(EventBody).min(1).max(BATCH_EVENTS.count),
})

export const LogQuery = z.strictObject({
  proof: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
})

const JSON_TYPE = 'application/json; charset=utf-8'

export interface AppendParts {
  appender: Appender
  signer: Signer
  prover: Prover
}

/** The endpoints that append. Entries go out as `entryJson` writes them. */
export function registerAppendRoutes(app: App, { appender, signer, prover }: AppendParts): void {
  app.post(
    '/log',
    {
      schema: { body: EventBody, querystring: LogQuery },
      // A service records whole sets of policies.
      bodyLimit: BATCH_BODY_LIMIT,
      config: {
        maxValues: BATCH_MAX_VALUES,
        fromOthers: { bytes: DEFAULT_BODY_LIMIT, maxValues: DEFAULT_MAX_VALUES },
      },
    },
    async (request, reply) => {
      const withProof = request.query.proof
      // Before anything is appended, so that whoever asks for a proof in vain asks without an effect.
      if (withProof) signer.assertKey()
      const key = idempotencyKey(request.raw.rawHeaders)
      const { entry, replayed } = await appender.append({ ...eventOf(request.body, request), key })
      const proof = withProof ? await proofMembers(entry, signer, prover) : ''
      return sendAppended(reply, replayed, `${entryJson(entry).slice(0, -1)}${proof}}`)
    },
  )

  app.post(
    '/log/batch',
    {
      schema: { body: BatchBody },
      bodyLimit: BATCH_BODY_LIMIT,
      config: { maxValues: BATCH_MAX_VALUES, ndjson: true },
    },
    async (request, reply) => {
      const events = request.body.events.map((event) => eventOf(event, request))
      const { entries, replayed } = await appender.appendBatch(
        events,
        idempotencyKey(request.raw.rawHeaders),
      )
      return sendAppended(reply, replayed, `[${entries.map(entryJson).join(',')}]`)
    },
  )
}

function eventOf(body: z.output<typeof EventBody>, request: FastifyRequest) {
  const { event_type, subject, decision, details } = body
  if (!mayAppend(event_type, request.identity?.svc)) throw new ApiError('event_type_reserved')
  return {
    event_type,
    subject,
    decision,
    details: canonicalJson(details),
    actor: request.actor,
    request_id: request.id,
  }
}

function sendAppended(reply: FastifyReply, replayed: Appended['replayed'], text: string) {
  if (replayed) reply.header('idempotency-replayed', 'true')
  return reply.type(JSON_TYPE).send(text)
}

/**
 * `,"proof":…` under a checkpoint that was signed after the entry was committed. The entry stands whatever
 * happens now: where there is no proof, the answer says why.
 */
async function proofMembers(entry: AuditEntry, signer: Signer, prover: Prover): Promise<string> {
  try {
    const { size, note } = await signer.checkpoint()
    const index = entry.id - 1
    const hashes = await prover.inclusionOf(Buffer.from(entry.entry_hash, 'hex'), index, size)
    return `,"proof":${JSON.stringify({ index, size, hashes: base64(hashes), checkpoint: note })}`
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const reason = JSON.stringify({ code: error.code, detail: error.detail })
    return `,"proof":null,"proof_error":${reason}`
  }
}
