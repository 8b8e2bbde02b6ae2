import { ApiError, type ErrorCode } from '@ai-governance/common/errors'
import { type OwnCalls, parsed, type Refusal, refusalOf } from '../upstreams/own-calls.ts'
import type { WholeAnswer } from '../upstreams/whole-answer.ts'
import { type GateBody, gateEvent, inputDigest, Receipt, Verdict } from './gate-question.ts'
import { ingressJson } from './ingress-json.ts'

/** What a caller gets: the answer as text, and whether it was recorded before. */
export interface GateOutcome {
  text: string
  replayed: boolean
}

export interface GateOptions {
  /** The Idempotency-Key of the caller. */
  key: string | null
  /** Whether the entry comes with its proof of inclusion. */
  proof: boolean
}

/** With these the signer says why there is no proof, before anything is appended. */
const NO_PROOF: readonly ErrorCode[] = [
  'signing_key_missing',
  'signer_state_missing',
  'signer_refused',
]
const NO_DECISION = 'The decision could not be recorded, so there is none:'
/** Where one was recorded under the key before, it counts. */
const NO_LOOKUP =
  'This request recorded no decision, and whether one before it did under the same Idempotency-Key is not known: send it again with the same one:'
const NOTHING_SAID = 'gave no usable answer'
const NOT_KNOWN =
  'does not know the gateway: both need identity keys, see docs/OPERATIONS.md, "Identity keys"'

/**
 * Decides about a payload and records the decision. What it answers was read from the entry on the log, so no answer
 * allows what is not on record, and whoever asks again under a key gets the decision that was recorded first.
 *
 * @throws ApiError `not_recorded` where nothing was recorded, `outcome_unknown` where that is not known,
 *   `idempotency_conflict`, `details_erased`, and what mcp-policy has against the request
 */
export async function decideAndRecord(
  calls: OwnCalls,
  body: GateBody,
  options: GateOptions,
): Promise<GateOutcome> {
  const digest = inputDigest(body.payload)
  const known = options.key === null ? null : await recorded(calls, body, digest, options.key)
  if (known !== null) {
    const proof = options.proof ? await proofOf(calls, receiptOf(known, body).id) : ''
    return { text: answerText(`${known.slice(0, -1)}${proof}}`, body), replayed: true }
  }
  const verdict = await judged(calls, body, digest)
  const { text, headers } = await append(calls, gateEvent(body, verdict), options)
  return { text: answerText(text, body), replayed: headers['idempotency-replayed'] === 'true' }
}

/** The entry that was recorded under a key, as text; null if there is none. */
async function recorded(
  calls: OwnCalls,
  { subject, record }: GateBody,
  digest: string,
  key: string,
): Promise<string | null> {
  const body = { subject, record, input_digest: digest }
  const question = { actor: calls.actor, operation: 'gate', key, body }
  const lookup = () =>
    calls.make({
      ...{ service: 'mcp-audit', method: 'POST', target: '/idempotency/lookup' },
      ...{ body: ingressJson(question), asGateway: true },
    })
  const answer = await attempt('mcp-audit', lookup, NO_LOOKUP)
  if (answer.status === 200) return answer.text
  const refusal = refusalOf(answer)
  if (refusal?.code === 'not_found') return null
  if (refusal?.code === 'idempotency_conflict') throw passedOn(refusal)
  throw notRecorded('mcp-audit', answer, NO_LOOKUP)
}

async function judged(calls: OwnCalls, { payload }: GateBody, digest: string): Promise<Verdict> {
  const answer = await attempt('mcp-policy', () =>
    calls.make({
      ...{ service: 'mcp-policy', method: 'POST', target: '/validate' },
      body: ingressJson({ payload }),
    }),
  )
  const refusal = refusalOf(answer)
  if (refusal && (answer.status === 400 || answer.status === 413)) throw passedOn(refusal)
  const verdict = answer.status === 200 ? Verdict.safeParse(parsed(answer.text)).data : undefined
  // A decision about something else than what was asked decides nothing.
  if (!verdict || verdict.input_digest !== digest) throw notRecorded('mcp-policy', answer)
  return verdict
}

async function append(
  calls: OwnCalls,
  event: object,
  { key, proof }: GateOptions,
): Promise<WholeAnswer> {
  const target = proof ? '/log?proof=true' : '/log'
  const answer = await calls
    .make({
      ...{ service: 'mcp-audit', method: 'POST', target, body: ingressJson(event) },
      ...{ asGateway: true, key, writes: true },
    })
    .catch((error: ApiError) => {
      throw afterAppend(error)
    })
  if (answer.status === 200) return answer
  const refusal = refusalOf(answer)
  if (!refusal || [500, 502, 504].includes(answer.status)) throw unknown(said(answer))
  if (refusal.code === 'outcome_unknown') throw unknown(said(answer))
  if (refusal.code === 'idempotency_conflict' || NO_PROOF.includes(refusal.code)) {
    throw passedOn(refusal)
  }
  if (answer.status === 400 || answer.status === 413) {
    // The payload is one level deeper in the entry, and there with the decision.
    throw new ApiError(refusal.code, `The decision cannot be recorded like this: ${refusal.detail}`)
  }
  throw notRecorded('mcp-audit', answer)
}

/** The answer of the gate, made of the entry as mcp-audit wrote it. */
function answerText(entry: string, body: GateBody): string {
  const { decision, details } = receiptOf(entry, body)
  if (details === null) throw new ApiError('details_erased')
  return `{"allowed":${decision},"decision":${JSON.stringify(details.decision)},"audit":${entry}}`
}

function receiptOf(entry: string, { subject }: GateBody): Receipt {
  const receipt = Receipt.safeParse(parsed(entry)).data
  const isOurs =
    receipt?.subject === subject &&
    (receipt.details === null || receipt.details.decision.allowed === receipt.decision)
  if (receipt && isOurs) return receipt
  throw unknown(new Error('mcp-audit answered with another entry than one of this decision'))
}

/** `,"proof":…` of an entry that was recorded before; where there is none, why. */
async function proofOf(calls: OwnCalls, id: number): Promise<string> {
  const target = `/proof/inclusion?id=${id}`
  try {
    const answer = await calls.make({
      ...{ service: 'mcp-audit', method: 'GET', target, body: null },
      asGateway: true,
    })
    if (answer.status === 200) return `,"proof":${answer.text}`
    const { code, detail } = refusalOf(answer) ?? new ApiError('upstream_invalid')
    return `,"proof":null,"proof_error":${JSON.stringify({ code, detail })}`
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const { code, detail } = error
    return `,"proof":null,"proof_error":${JSON.stringify({ code, detail })}`
  }
}

/** A call before anything is appended: whatever it fails with, nothing was recorded. */
async function attempt(
  service: string,
  call: () => Promise<WholeAnswer>,
  what = NO_DECISION,
): Promise<WholeAnswer> {
  try {
    return await call()
  } catch (cause) {
    throw new ApiError('not_recorded', `${what} ${service} ${NOTHING_SAID}`, { cause })
  }
}

/** What became of an append that got no answer. */
function afterAppend(error: ApiError): ApiError {
  // Of all that a call fails with, these say that it was not sent.
  const isUnsent = error.code === 'upstream_unavailable' || error.code === 'overloaded'
  if (!isUnsent) return unknown(error)
  return new ApiError('not_recorded', `${NO_DECISION} mcp-audit ${NOTHING_SAID}`, { cause: error })
}

function notRecorded(service: string, answer: WholeAnswer, what = NO_DECISION): ApiError {
  const refusal = answer.status === 503 ? refusalOf(answer) : null
  const isStranger = answer.status === 401 || answer.status === 403
  const reason = isStranger ? NOT_KNOWN : refusal ? `said: ${refusal.detail}` : NOTHING_SAID
  const again = answer.headers['retry-after']
  return new ApiError('not_recorded', `${what} ${service} ${reason}`, {
    cause: said(answer),
    ...(typeof again === 'string' && { headers: { 'retry-after': again } }),
  })
}

function unknown(cause: Error): ApiError {
  const whatNow =
    'the decision may be on record: look for the request id in the log, or, if the request had an Idempotency-Key, ' +
    'send it again with the same one'
  return new ApiError('outcome_unknown', whatNow, { cause })
}

function passedOn({ code, detail, errors }: Refusal): ApiError {
  return new ApiError(code, detail, errors && { errors })
}

function said({ status, text }: WholeAnswer): Error {
  const code = refusalOf({ status, text })?.code ?? 'without problem details'
  return new Error(`the service answers ${status} ${code}`)
}
