import type { Dispatcher } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import { GATEWAY_NAME } from '../directory.ts'
import type { Lane } from './lane.ts'
import type { Replica } from './replica.ts'
import { isLost, isNotConnected } from './upstream-fault.ts'

export interface Question {
  /** Whose place it takes; the gateway's own where it is left out. */
  flow?: string
  method: 'GET' | 'POST'
  path: string
  /** Name and value in turn; a function where they are made for each attempt, as a signed identity must be. */
  headers?: string[] | (() => string[])
  body?: Buffer | string | null
  /** May be made again although it may have been carried out: it reads, or has an Idempotency-Key. */
  repeatable?: boolean
}

export interface WholeAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/**
 * A request of the gateway's own, with its whole answer as text. Rejects with a `TimeoutError` after `ms`,
 * which no wait for a place or a connection prolongs; with `ApiError` `overloaded` where there is no place;
 * and with the error of the connection.
 */
export async function ask(lane: Lane, question: Question, ms: number): Promise<WholeAnswer> {
  const signal = AbortSignal.timeout(ms)
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  return Promise.race([inPlace(lane, question, signal), late])
}

async function inPlace(lane: Lane, question: Question, signal: AbortSignal): Promise<WholeAnswer> {
  const { flow = GATEWAY_NAME, body } = question
  const bytes = Buffer.byteLength(body ?? '')
  await lane.take(flow, bytes)
  try {
    return await attempts(lane, question, signal)
  } finally {
    lane.leave(flow, bytes)
  }
}

/** At most this many replicas are tried that refuse the connection. */
const MAX_REFUSED = 4

async function attempts(lane: Lane, question: Question, signal: AbortSignal): Promise<WholeAnswer> {
  let isSent = false
  for (let refused = 1; ; refused++) {
    signal.throwIfAborted()
    await lane.replicas.known()
    const replica = lane.replicas.pick() as Replica
    try {
      return await attempt(lane, replica, question, signal)
    } catch (error) {
      const failure = error as Error
      const [notConnected, lost] = [isNotConnected(failure), isLost(failure)]
      if (notConnected || lost) lane.replicas.failed(replica, notConnected)
      // What an attempt before may have done is not undone by a refusal of this one.
      if (notConnected && isSent) throw Object.assign(new Error('lost'), { code: 'ECONNRESET' })
      const others = lane.replicas.count('up', 'stopping', 'silent')
      if (notConnected && refused < MAX_REFUSED && others > 0) continue
      if (!lost || isSent || !(question.repeatable ?? question.method === 'GET')) throw error
      isSent = true
    }
  }
}

async function attempt(
  { replicas, purpose }: Lane,
  replica: Replica,
  { method, path, headers, body }: Question,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  const request: Dispatcher.RequestOptions = {
    method,
    path,
    headers: typeof headers === 'function' ? headers() : (headers ?? []),
    body: body ?? null,
    signal,
  }
  replica.busy++
  try {
    const answer = await replica.pool(purpose).request(request)
    const text = await answer.body.text()
    replicas.answered(replica, answer.headers.connection === 'close')
    return { status: answer.statusCode, headers: answer.headers, text }
  } finally {
    replica.busy--
  }
}
