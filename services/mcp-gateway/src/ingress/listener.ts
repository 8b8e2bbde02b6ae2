import { createServer, type RequestListener, type Server } from 'node:http'
import type { Limits } from '../limits.ts'
import { limitConnections } from './connections.ts'
import { MAX_HEAD_BYTES } from './request-head.ts'

/** Node's HTTP server with every limit said aloud. Requests with `Expect` take the same way as all others. */
export function createListener(handle: RequestListener, limits: Limits): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      // Whatever NODE_OPTIONS asks for.
      insecureHTTPParser: false,
      headersTimeout: limits.requestHead,
      requestTimeout: limits.request,
      connectionsCheckingInterval: limits.checkEvery,
      keepAliveTimeout: 75_000,
      // A request without a body gets no stream for it: 4 % of the processor time of a proxied GET.
      optimizeEmptyRequests: true,
      // Node's own answer to a missing Host has neither a request id nor problem details.
      requireHostHeader: false,
    },
    handle,
  )
  limitConnections(server, limits.callers)
  server.maxRequestsPerSocket = 1_000
  server.setTimeout(limits.socketIdle)
  // Otherwise Node says 100 Continue or 417 before anything has been checked.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  return server
}
