import { ApiError } from '@ai-governance/common/errors'
import type { Dispatcher } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import type { Entrant } from '../admission/admission.ts'
import { answerHeaders } from '../ingress/headers.ts'
import type { Visit } from '../ingress/visit.ts'
import type { Limits } from '../limits.ts'
import { answerFault } from './answer-fault.ts'
import type { Call } from './call.ts'
import type { Lane } from './lane.ts'
import { closes } from './probe.ts'
import { untilRead } from './reader-watch.ts'
import { Refusal } from './refusal.ts'
import type { Replica } from './replica.ts'
import { maySendAgain } from './resend.ts'
import { isBroken, isNotConnected, unknownOutcome, upstreamFault } from './upstream-fault.ts'
import { laneOf } from './upstreams.ts'

/** At most so many attempts, of which all but two found no connection. */
const MAX_ATTEMPTS = 5

/**
 * Up to this size, in bytes, an answer that came in one piece is sent as one string with its head. Head and
 * buffer apart go out by `writev`, with which the gateway answered 22,000 instead of 24,000 requests a second.
 */
const SMALL_ANSWER = 16_384

class CallerGone extends Error {}

class TooSlow extends Error {
  override name = 'TimeoutError'
}

/** Calls a service and sends its answer on to the caller, at the pace of the caller. */
export function forward(visit: Visit, call: Call, limits: Limits): void {
  const url = URL.parse(call.upstream.origin + call.target)
  // Cannot happen after the checks before. It is what they are for, so it is asserted at the last moment.
  if (url?.origin !== call.upstream.origin || url.pathname !== call.path) {
    visit.refuse(new ApiError('internal_error', undefined, { cause: new Error('other URL') }))
    return
  }
  new Forwarding(visit, call, limits).start()
}

/**
 * undici's handler interface, which the answer passes without a stream in between: `pool.request()` in a
 * Fastify handler reached less than half the requests a second.
 */
class Forwarding implements Dispatcher.DispatchHandler, Entrant {
  readonly #visit: Visit
  readonly #call: Call
  readonly #limits: Limits
  readonly #lane: Lane
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout
  /** The caller has a whole answer, or never will: whatever comes now is not for anybody. */
  #over = false
  #hasPlace = false
  /** Where the attempt under way goes. */
  #replica: Replica | null = null
  #attempts = 0
  /** Attempts of which a byte may have left. */
  #sent = 0
  #receivedAny = false
  #attemptedAt = 0
  /** Length of an answer that may come in one piece; -1 where it will not. */
  #wholeLength = -1
  /** An answer that may lead to another replica instead of to the caller, until it is whole. */
  #refusal: Refusal | null = null

  constructor(visit: Visit, call: Call, limits: Limits) {
    this.#visit = visit
    this.#call = call
    this.#limits = limits
    this.#lane = laneOf(call.upstream, call.route)
    this.#timer = setTimeout(() => this.#late(), limits.answerHead)
    visit.onAbandoned = () => this.#abandon(new CallerGone('the caller closed the connection'))
  }

  /** Makes the call as soon as the service has a place for it. */
  start(): void {
    this.#lane.enter(this, this.#visit.flow, this.#bytes)
  }

  admitted(): void {
    this.#hasPlace = true
    if (this.#over) this.#leave()
    else this.#attempt()
  }

  shed(): void {
    if (!this.#over) this.#fail(new ApiError('overloaded'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It waited for a connection for too long. A throw takes it out of the queue; `abort` would close the
    // connection, on which nothing was sent yet.
    if (this.#over) throw new CallerGone('nobody waits for this answer any more')
    this.#controller = controller
    this.#sent++
  }

  onResponseStarted(): void {
    this.#receivedAny = true
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200 || this.#over) return
    this.#visit.answered((performance.now() - this.#attemptedAt) / 1000)
    if (this.#replica) this.#lane.replicas.answered(this.#replica, closes(headers.connection))
    const { streams } = this.#call.route
    const fault = answerFault(status, headers, streams ? Infinity : this.#limits.answerBytes)
    if (fault) {
      this.#fail(new ApiError('upstream_invalid', undefined, { cause: fault }))
      controller.abort(fault)
      return
    }
    if (this.#isInDoubt(2) && status >= 500) {
      const cause = new Error(`lost, and answered ${status} when it was sent again`)
      this.#fail(unknownOutcome(cause))
      controller.abort(cause)
      return
    }
    if (Refusal.fits(status, headers) && this.#attempts < MAX_ATTEMPTS) {
      this.#refusal = new Refusal(headers)
      return
    }
    if (streams) clearTimeout(this.#timer)
    this.#writeHead(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    if (this.#refusal) {
      this.#refusal.chunks.push(chunk)
      return
    }
    const { response } = this.#visit
    if (chunk.length === this.#wholeLength) {
      this.#finish()
      response.end(chunk.toString('latin1'), 'latin1')
      return
    }
    if (response.write(chunk)) return
    // The service has done its work: whoever reads slowly keeps nobody else from it. (An export goes on working
    // while it is read, and keeps its place.)
    if (!this.#call.route.streams) this.#leave()
    controller.pause()
    const isRead = untilRead(this.#visit, this.#limits.readerIdle)
    response.once('drain', () => {
      isRead()
      controller.resume()
    })
  }

  onResponseEnd(): void {
    const replica = this.#depart()
    if (this.#over) return
    if (this.#refusal) this.#endRefusal(this.#refusal, replica)
    else {
      this.#finish()
      this.#visit.response.end()
      untilRead(this.#visit, this.#limits.readerIdle)
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const replica = this.#depart()
    if (this.#over) return
    if (replica && isBroken(error)) this.#lane.replicas.failed(replica, isNotConnected(error))
    if (this.#visit.response.headersSent) this.#cut(error)
    else if (this.#mayRetry(error)) this.#attempt()
    else if (this.#isInDoubt(1)) this.#fail(unknownOutcome(error))
    else this.#fail(upstreamFault(error, this.#call.route.writes))
  }

  get #bytes(): number {
    return this.#call.body?.length ?? 0
  }

  #attempt(): void {
    const { route, target, body, headersFor } = this.#call
    const replica = this.#lane.replicas.pick()
    if (!replica) {
      this.#awaitAddress()
      return
    }
    this.#attempts++
    this.#controller = null
    this.#receivedAny = false
    this.#refusal = null
    this.#replica = replica
    replica.busy++
    this.#attemptedAt = performance.now()
    const headers = headersFor()
    const pool = replica.pool(this.#lane.purpose)
    pool.dispatch({ method: route.method, path: target, body, headers }, this)
  }

  #awaitAddress(): void {
    this.#lane.replicas.known().then(
      () => this.#over || this.#attempt(),
      (error) => this.#over || this.#fail(upstreamFault(error, this.#call.route.writes)),
    )
  }

  #mayRetry(error: Error): boolean {
    const { route } = this.#call
    const isSent = this.#controller !== null
    if (this.#attempts >= MAX_ATTEMPTS) return false
    // Who refuses connections is not asked again and again.
    if (!isSent && this.#lane.replicas.count('up', 'stopping', 'silent') === 0) return false
    return maySendAgain(route, this.#visit.head.idempotencyKey !== undefined, {
      sent: isSent,
      received: this.#receivedAny,
      lost: isBroken(error),
      sentBefore: this.#sent,
    })
  }

  /** Whether one of at least so many attempts may have made the change. */
  #isInDoubt(attempts: number): boolean {
    return this.#call.route.writes && this.#attempts > 1 && this.#sent >= attempts
  }

  #endRefusal(refusal: Refusal, replica: Replica | null): void {
    if (refusal.isStopping && replica) this.#lane.replicas.answered(replica, true)
    if (refusal.isStopping && this.#lane.replicas.count('up', 'silent') > 0) {
      // Nothing was done, and that is known.
      this.#sent--
      this.#attempt()
      return
    }
    this.#writeHead(503, refusal.headers)
    this.#finish()
    this.#visit.response.end(Buffer.concat(refusal.chunks))
  }

  #writeHead(status: number, headers: IncomingHttpHeaders): void {
    const length = Number(headers['content-length'])
    if (length <= SMALL_ANSWER) this.#wholeLength = length
    this.#visit.writeHead(status, answerHeaders(headers, this.#call.upstream.name))
  }

  #late(): void {
    const late = new TooSlow('the service took too long')
    if (!this.#visit.response.headersSent) {
      this.#fail(upstreamFault(late, this.#call.route.writes))
      this.#controller?.abort(late)
      return
    }
    const rest = this.#limits.answerTotal - this.#limits.answerHead
    this.#timer = setTimeout(() => this.#cut(late), rest)
  }

  #finish(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#depart()
    this.#leave()
  }

  /** Ends the attempt under way; returns where it went. */
  #depart(): Replica | null {
    const replica = this.#replica
    if (replica) replica.busy--
    this.#replica = null
    return replica
  }

  #leave(): void {
    if (this.#hasPlace) this.#lane.leave(this.#visit.flow, this.#bytes)
    this.#hasPlace = false
  }

  #fail(error: ApiError): void {
    this.#finish()
    this.#visit.refuse(error)
  }

  /** Ends a half-sent answer by a reset, so that no caller takes it for a whole one (HTTP/1.0 ends by close). */
  #cut(error: Error): void {
    this.#finish()
    this.#visit.refuse(upstreamFault(error, this.#call.route.writes))
    this.#visit.request.socket.resetAndDestroy()
    this.#controller?.abort(error)
  }

  #abandon(reason: Error): void {
    if (this.#over) return
    this.#finish()
    this.#controller?.abort(reason)
  }
}
