import type { Server, ServerResponse } from 'node:http'

/** For how long a server that is told to stop goes on, in ms: several times what its peers need to notice. */
const DRAIN = 1_000
/** How often it is looked whether anybody is connected still, in ms. */
const LOOK_EVERY = 20

/**
 * The first step of a stop: the server still takes connections and requests, and ends each connection with its
 * next answer. To close idle connections at once would be a race that HTTP/1.1 cannot win (RFC 9112 §9.5): a
 * request may be on its way, and its sender could not know whether it was carried out. So peers are told first,
 * by an answer or by that of the next probe, and leave by themselves. Resolves when nobody is connected, or
 * after a second, for those who do not listen.
 */
export async function drain(server: Server, ms = DRAIN): Promise<void> {
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('connection', 'close')
  })
  const until = performance.now() + ms
  while (performance.now() < until && (await connectionsOf(server)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error ? 0 : count))
  })
}
