import type { Visit } from '../ingress/visit.ts'

const timers = new WeakMap<Visit, NodeJS.Timeout>()

/**
 * Cuts the caller off by a reset if it does not take what waits to be sent within `ms`. What it returns is to be
 * called when it has; the end of the answer counts too. (Node's own time-out of a socket looks whether anything moved
 * only every second time.)
 */
export function untilRead(visit: Visit, ms: number): () => void {
  const { request, response } = visit
  const isRead = () => clearTimeout(timers.get(visit))
  if (response.writableLength === 0) return isRead
  if (!timers.has(visit)) response.once('close', isRead)
  isRead()
  timers.set(visit, setTimeout(() => request.socket.resetAndDestroy(), ms).unref())
  return isRead
}
