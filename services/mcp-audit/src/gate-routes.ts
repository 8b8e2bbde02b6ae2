import { ApiError } from '@ai-governance/common/errors'
import {
  type AuditEntry,
  detailsHash,
  entryHash,
  entryJson,
  eventHash,
} from '@ai-governance/common/formats/audit-entry'
import type { App } from '@ai-governance/common/http/server'
import { idParameter, text } from '@ai-governance/common/requests/fields'
import { checkIdempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import { z } from 'zod'
import type { AuditStore } from './audit-store.ts'
import { type Envelope, signEnvelope } from './dsse.ts'
import { GateQuestion, gateDetailsOf, isSameQuestion, questionOf } from './gate-decision.ts'
import type { GateStore } from './gate-store.ts'
import type { Signer } from './signer/signer.ts'
import { type Prover, refusal } from './tree/prover.ts'
import { digestsOf, IN_TOTO, MAX_SUBJECTS, summaryText } from './vsa.ts'

const LookupBody = z.strictObject({
  actor: text(600),
  operation: z.literal('gate'),
  key: z.string(),
  body: GateQuestion,
})

const JSON_TYPE = 'application/json; charset=utf-8'

export interface GateParts {
  store: AuditStore
  keys: GateStore
  signer: Signer
  prover: Prover
}

/** What mcp-audit does for the gate, docs/API.md: recorded decisions by their keys, and as signed summaries. */
export function registerGateRoutes(app: App, parts: GateParts): void {
  app.post('/idempotency/lookup', { schema: { body: LookupBody } }, async (request, reply) => {
    const { actor, key, body } = request.body
    checkIdempotencyKey(key)
    const id = await parts.keys.entryOfKey(key, actor)
    const entry = id === null ? null : await parts.store.entry(id)
    if (!entry) throw new ApiError('not_found', 'nothing is recorded under this key')
    // Of what is erased nothing speaks against it, and the subject stays.
    const isSame =
      entry.details === null
        ? entry.subject === body.subject
        : isSameQuestion(questionOf(entry), body)
    if (!isSame) {
      throw new ApiError(
        'idempotency_conflict',
        `This Idempotency-Key was used for entry ${entry.id}.`,
      )
    }
    return reply.type(JSON_TYPE).send(entryJson(entry))
  })

  app.get(
    '/events/:id/vsa',
    { schema: { params: z.object({ id: idParameter }) } },
    async (request): Promise<Envelope> => {
      parts.signer.assertKey()
      const entry = await parts.store.entry(request.params.id)
      if (!entry) throw new ApiError('not_found', 'the log has no entry of this id')
      return signedSummary(entry, parts)
    },
  )
}

/**
 * The signed summary of an entry that the log vouches for. The bytes that are signed are made here, of what is stored,
 * and only once the hashes of the entry are right and the tree under a checkpoint signed now has it as its leaf.
 */
async function signedSummary(entry: AuditEntry, { signer, prover }: GateParts): Promise<Envelope> {
  if (entry.details === null) throw new ApiError('details_erased')
  const details = gateDetailsOf(entry)
  if (!details) throw new ApiError('not_found', `entry ${entry.id} is no decision of the gate`)
  const digests = digestsOf(details.artifacts)
  if (digests.length === 0) throw new ApiError('no_subject')
  if (digests.length > MAX_SUBJECTS) {
    throw new ApiError(
      'no_subject',
      `The decision names ${digests.length} artifacts, and a summary at most ${MAX_SUBJECTS}`,
    )
  }
  assertHashes(entry, entry.details)
  const { origin, size } = await signer.checkpoint()
  await prover.inclusionOf(Buffer.from(entry.entry_hash, 'hex'), entry.id - 1, size)
  const payload = Buffer.from(summaryText(origin, entry, details, digests))
  return signEnvelope(IN_TOTO, payload, {
    privateKey: signer.assertKey().privateKey,
    // The verifier key without the key itself: by this an outsider finds the one that was pinned.
    keyid: signer.verifierKey().split('+', 2).join('+'),
  })
}

/** Somebody with the rights of a superuser may have changed a row: then nothing is signed of it. */
function assertHashes(entry: AuditEntry, details: string): void {
  const isRight =
    entry.details_salt !== null &&
    detailsHash(entry.details_salt, details) === entry.details_hash &&
    entryHash(entry.prev_hash, entry.id, entry.created_at_us, eventHash(entry)) === entry.entry_hash
  if (!isRight) throw refusal(`Entry ${entry.id} does not have the hashes that its content gives`)
}
