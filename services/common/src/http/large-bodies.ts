import type { FastifyInstance } from 'fastify'
import { DEFAULT_BODY_LIMIT } from '../requests/json-body.ts'
import { Limiter } from './limiter.ts'

/** Above this size, in bytes, a body counts as large: most routes take none. */
export const LARGE_BODY = DEFAULT_BODY_LIMIT
/**
 * At once. A body of 8 MiB of small values takes some 26 MiB as a tree with its canonical text, and 64 of them
 * made mcp-policy grow to 1.67 GB. The gateway sends four; the rest is for whoever asks directly.
 */
const AT_ONCE = 8

/**
 * Refuses a request with a large body, or one that does not say how long it is, as `overloaded` where `atOnce` others
 * are read or answered. Register it before all routes.
 */
export function limitLargeBodies(app: FastifyInstance, atOnce = AT_ONCE): void {
  const limiter = new Limiter(atOnce)
  app.addHook('onRequest', (request, reply, done) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    if (encoding === undefined && !(Number(length) > LARGE_BODY)) return done()
    try {
      reply.raw.once('close', limiter.enter())
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}
