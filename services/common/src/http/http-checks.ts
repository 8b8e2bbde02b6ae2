import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import type { Metrics } from '../observability/metrics.ts'
import { requestId } from '../requests/request-id.ts'
import { httpFault } from './http-rules.ts'
import { closeInTurn } from './problem-socket.ts'

/** Connections whose framing is in doubt. */
const doubted = new WeakSet<Socket>()

/** Whether a request came behind one that {@link requestFault} refused on the same connection: it may be no request. */
export function isInDoubt(request: FastifyRequest): boolean {
  return doubted.has(request.raw.socket)
}

/**
 * The error to answer with where a request is not the HTTP that services take, else null. Where its framing is in
 * doubt the connection ends with the answer.
 */
export function requestFault(request: FastifyRequest, reply: FastifyReply): ApiError | null {
  const code = httpFault(request.raw)
  if (code) {
    doubted.add(request.raw.socket)
    reply.header('connection', 'close')
    return new ApiError(code)
  }
  // Fastify reads no body of a GET, so nothing would compare it with what was signed.
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
  const announces = encoding !== undefined || Number(length) !== 0
  return announces && request.method !== 'POST' ? new ApiError('body_not_allowed') : null
}

/** Has requests with `Expect` take the same way as all others, where Node would answer them before anything is checked. */
export function checkExpectations(app: FastifyInstance): void {
  app.server.on('checkExpectation', (request, response) => app.routing(request, response))
  app.server.on('checkContinue', (request, response) => {
    if (!httpFault(request)) response.writeContinue()
    app.routing(request, response)
  })
}

/** Closes connections that ask for a tunnel, as Node does by itself, but not before the answers that are due, and says so. */
export function closeTunnels(
  app: FastifyInstance,
  logger: FastifyBaseLogger,
  metrics: Metrics,
): void {
  app.server.on('connect', ({ method, url }, socket: Socket) => {
    const code = 'method_not_allowed'
    metrics.refused(code)
    logger.info(
      { request_id: requestId(undefined), method, path: url?.slice(0, 300), code },
      'refused',
    )
    // Node has given it up: nobody else hears of its errors.
    socket.on('error', () => socket.destroy())
    closeInTurn(socket)
  })
}
