import { GATEWAY_NAME } from '../directory.ts'
import type { Lane } from './lane.ts'
import { closes } from './probe.ts'
import type { Replica } from './replica.ts'
import { isLost, isNotConnected } from './upstream-fault.ts'
import { Deadline, type WholeAnswer, wholeAnswer } from './whole-answer.ts'

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

/**
 * A request of the gateway's own, with its whole answer as text. Rejects with a `TimeoutError` after `ms`,
 * which no wait for a place or a connection prolongs; with `ApiError` `overloaded` where there is no place;
 * and with the error of the connection.
 */
export async function ask(lane: Lane, question: Question, ms: number): Promise<WholeAnswer> {
  const deadline = new Deadline(ms)
  try {
    return await Promise.race([inPlace(lane, question, deadline), deadline.passed])
  } finally {
    deadline.clear()
  }
}

async function inPlace(lane: Lane, question: Question, deadline: Deadline): Promise<WholeAnswer> {
  const { flow = GATEWAY_NAME, body } = question
  const bytes = Buffer.byteLength(body ?? '')
  await lane.take(flow, bytes)
  try {
    return await attempts(lane, question, deadline)
  } finally {
    lane.leave(flow, bytes)
  }
}

/** At most this many replicas are tried that refuse the connection. */
const MAX_REFUSED = 4

async function attempts(lane: Lane, question: Question, deadline: Deadline): Promise<WholeAnswer> {
  let isSent = false
  for (let refused = 1; ; refused++) {
    if (deadline.isPassed) return deadline.passed
    await lane.replicas.known()
    const replica = lane.replicas.pick() as Replica
    try {
      return await attempt(lane, replica, question, deadline)
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
  deadline: Deadline,
): Promise<WholeAnswer> {
  const request = {
    ...{ method, path, body: body ?? null },
    headers: typeof headers === 'function' ? headers() : (headers ?? []),
  }
  replica.busy++
  try {
    const answer = await wholeAnswer(replica.pool(purpose), request, deadline)
    replicas.answered(replica, closes(answer.headers.connection))
    return answer
  } finally {
    replica.busy--
  }
}
