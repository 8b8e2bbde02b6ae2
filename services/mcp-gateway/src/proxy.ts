import { ApiError } from '@ai-governance/common/errors'
import type { Dispatcher } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import type { AllowedRoute } from './allowed-routes.ts'
import { answerHeaders, requestHeaders } from './headers.ts'
import type { Limits } from './limits.ts'
import { isLost, type Upstream, upstreamFault } from './upstreams.ts'
import type { Visit } from './visit.ts'

/** One call that has passed every check. */
export interface Call {
  upstream: Upstream
  route: AllowedRoute
  /** Path and query at the service, the bytes that were received. */
  target: string
  /** Path alone, for the last check. */
  path: string
  body: Buffer | null
}

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
  new Forwarding(visit, call, limits).dispatch()
}

/**
 * undici's handler interface, which the answer passes without a stream in between: `pool.request()` in a
 * Fastify handler reached less than half the requests a second.
 */
class Forwarding implements Dispatcher.DispatchHandler {
  readonly #visit: Visit
  readonly #call: Call
  readonly #limits: Limits
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout
  /** The caller has a whole answer, or never will: whatever comes now is not for anybody. */
  #over = false
  #receivedAny = false
  /** Length of an answer that may come in one piece; -1 where it will not. */
  #wholeLength = -1
  #retried = false

  constructor(visit: Visit, call: Call, limits: Limits) {
    this.#visit = visit
    this.#call = call
    this.#limits = limits
    this.#timer = setTimeout(() => this.#late(), limits.answerHead)
    visit.onAbandoned = () => this.#abandon(new CallerGone('the caller closed the connection'))
  }

  dispatch(): void {
    const { upstream, route, target, body } = this.#call
    const pool = route.streams ? upstream.streams : upstream.pool
    const headers = requestHeaders(this.#visit.head, route)
    pool.dispatch({ method: route.method, path: target, body, headers }, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It waited for a connection for too long. A throw takes it out of the queue; `abort` would close the
    // connection, on which nothing was sent yet.
    if (this.#over) throw new CallerGone('nobody waits for this answer any more')
    this.#controller = controller
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
    const { streams } = this.#call.route
    const fault = answerFault(status, headers, streams ? Infinity : this.#limits.answerBytes)
    if (fault) {
      this.#fail(new ApiError('upstream_invalid', undefined, { cause: fault }))
      controller.abort(fault)
      return
    }
    if (streams) clearTimeout(this.#timer)
    const length = Number(headers['content-length'])
    if (length <= SMALL_ANSWER) this.#wholeLength = length
    this.#visit.writeHead(status, answerHeaders(headers, this.#call.upstream.name))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    const { response } = this.#visit
    if (chunk.length === this.#wholeLength) {
      this.#finish()
      response.end(chunk.toString('latin1'), 'latin1')
      return
    }
    if (response.write(chunk)) return
    controller.pause()
    response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#finish()
    this.#visit.response.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    if (this.#visit.response.headersSent) this.#cut(error)
    else if (this.#mayRetry(error)) {
      this.#retried = true
      this.#controller = null
      this.dispatch()
    } else this.#fail(upstreamFault(error, this.#call.route.writes))
  }

  /**
   * A kept connection may be closed by the service just when a request is written to it. What only reads
   * is sent once more if not a byte came back. What writes is not: it may have been carried out.
   */
  #mayRetry(error: Error): boolean {
    const { method } = this.#call.route
    return isLost(error) && method === 'GET' && !this.#receivedAny && !this.#retried
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

/** Why an answer is not passed on; null if it is. `headers` come from a service, which may be broken. */
function answerFault(status: number, headers: IncomingHttpHeaders, maxBytes: number): Error | null {
  if (status >= 300 && status < 400) return new Error(`the service redirects (${status})`)
  if (status > 599) return new Error(`the service answers with status ${status}`)
  // Our services say what went wrong in problem details, without a message from inside. What comes in
  // another form comes from somewhere deeper, and may hold anything.
  const type = headers['content-type']
  if (status >= 500 && !(typeof type === 'string' && type.startsWith('application/problem+json'))) {
    return new Error(`the service answers ${status} without problem details`)
  }
  const tooLong = Number(headers['content-length'] ?? 0) > maxBytes
  return tooLong ? new Error('the answer is too long') : null
}
