import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ApiError } from '@ai-governance/common/errors'
import { logLevelOf } from '@ai-governance/common/http/probes'
import { isRefused } from '@ai-governance/common/http/problem-socket'
import { CALLER_GONE } from '@ai-governance/common/http/server'
import type { Metrics } from '@ai-governance/common/observability/metrics'
import { traceFields } from '@ai-governance/common/observability/trace-context'
import type { FastifyBaseLogger } from 'fastify'
import { SMALL_BODY } from '../admission/body-room.ts'
import type { Denial } from '../auth/authenticator.ts'
import { type Caller, flowOf } from '../auth/caller.ts'
import { sourceOf } from '../auth/rate-limits.ts'
import type { IdentityHeaders } from '../auth/signing.ts'
import type { GatewayCounters } from '../gateway-metrics.ts'
import { announcesBody, type RequestHead } from './request-head.ts'

/** What all visits share. */
export interface Counter {
  log: FastifyBaseLogger
  metrics: Metrics
  counters: GatewayCounters
  server: Server
  sign: IdentityHeaders
  /** The security headers of every answer, name and value in turn. */
  securityHeaders: string[]
  linger: number
}

/** One request that the gateway answers itself, without Fastify: its answer, its log line, its measurement. */
export class Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: RequestHead
  service: string | undefined
  /** Who it is, once that is verified. */
  caller: Caller | undefined
  /** Why its credentials did not do. */
  denial: Denial | undefined
  /** Pattern of the route, for metrics. */
  route = 'none'
  /** Called when the caller has gone before the answer was complete. */
  onAbandoned: (() => void) | undefined
  #flow: string | undefined
  readonly #counter: Counter
  readonly #startedAt = performance.now()
  #begun = false
  #code: string | undefined
  #cause: unknown

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    counter: Counter,
  ) {
    this.request = request
    this.response = response
    this.head = head
    this.#counter = counter
  }

  /** From here on the visit is logged and measured when it is over. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#counter.metrics.inFlight++
    if (this.response.closed) this.#closed()
    else this.response.on('close', () => this.#closed())
  }

  /** Among whom it shares places and room; asked for once its caller is known. */
  get flow(): string {
    this.#flow ??= flowOf(this.caller ?? null, this.request.socket)
    return this.#flow
  }

  /** Says of one attempt to call a service on whose behalf it is made. */
  get sign(): IdentityHeaders {
    return this.#counter.sign
  }

  /** Tells of an attempt to call the service: after how many seconds it had sent the head of its answer. */
  answered(seconds: number): void {
    if (this.service) this.#counter.counters.onAnswer(this.service, seconds)
  }

  /** Whether the process is stopping, so that no connection is kept. */
  get #stopping(): boolean {
    return !this.#counter.server.listening
  }

  /** Writes the head of an answer: ours around `headers`, which are name and value in turn. */
  writeHead(status: number, headers: string[]): void {
    const all = [...this.#counter.securityHeaders, 'x-request-id', this.head.id, ...headers]
    if (this.#stopping) all.push('connection', 'close')
    this.response.writeHead(status, all)
  }

  /**
   * Answers with an error. A connection with a body that nobody has read is not used again, but where there are too many
   * requests: then Node reads a small one and drops it, as a new connection would cost more than the request.
   */
  refuse(error: ApiError): void {
    const { request, response, head } = this
    this.begin()
    this.#code = error.code
    this.#cause = error.cause
    this.#counter.metrics.refused(error.code)
    if (this.service) this.#counter.counters.onUpstreamFault(this.service, error.code)
    if (response.headersSent || response.destroyed) return
    const isDropped = error.code === 'overloaded' && isSmall(head) && !head.expectsContinue
    const unread = announcesBody(head) && !request.complete && !isDropped
    const headers = ['content-type', 'application/problem+json']
    for (const [name, value] of Object.entries(error.headers)) headers.push(name, value)
    if ((unread || head.fault) && !this.#stopping) headers.push('connection', 'close')
    // As a text it goes out in one piece with the head.
    const body = JSON.stringify(error.problem(head.id))
    headers.push('content-length', String(Buffer.byteLength(body)))
    this.writeHead(error.status, headers)
    if (unread && !head.fault && !head.expectsContinue) this.#endAfterBody(body)
    else response.end(body)
  }

  /**
   * Sends an answer while the caller may still be sending. Closing a socket that holds unread bytes makes
   * the kernel send a reset, and the caller would never see the answer: so read on for a moment.
   */
  #endAfterBody(body: string): void {
    const { request, response } = this
    response.write(body)
    const end = () => {
      clearTimeout(timer)
      response.end()
    }
    const timer = setTimeout(end, this.#counter.linger)
    request.once('end', end).once('close', end)
    request.resume()
  }

  #closed(): void {
    const { request, response, head } = this
    const complete = response.writableFinished
    this.#counter.metrics.inFlight--
    if (!complete) this.onAbandoned?.()
    else if (this.#stopping) request.socket.end()
    // Its body was broken: answered and logged where the parser reported it.
    if (isRefused(request.socket) && !response.headersSent) return
    const status = response.headersSent ? response.statusCode : CALLER_GONE
    const elapsed = performance.now() - this.#startedAt
    const method = request.method ?? ''
    this.#counter.metrics.observe(method, this.route, status, elapsed / 1000)
    const line: Record<string, unknown> = {
      request_id: head.id,
      ...traceFields(head.trace),
      method,
      path: request.url?.split('?', 1)[0]?.slice(0, 300),
      upstream: this.service,
      actor: this.caller?.actor,
      status,
      ms: Math.round(elapsed * 100) / 100,
    }
    if (this.#code) line.code = this.#code
    if (this.denial) Object.assign(line, { denied: this.denial, source: sourceOf(request.socket) })
    if (!complete) line.cut = true
    if (this.#cause) line.err = this.#cause
    const level = status === 500 ? 'error' : this.#cause ? 'warn' : logLevelOf(request.url, status)
    this.#counter.log[level](line, 'request')
  }
}

/** Whether a body is announced of which not much can come. */
function isSmall({ chunked, contentLength }: RequestHead): boolean {
  return !chunked && contentLength <= SMALL_BODY
}
