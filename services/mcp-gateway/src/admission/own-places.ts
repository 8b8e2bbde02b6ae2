import type { Limits } from '../limits.ts'
import type { LoopLag } from './loop-lag.ts'
import { Places } from './places.ts'
import { queuedPlaces } from './queued-places.ts'

/**
 * Places for requests with a body to routes of the gateway's own, such as the gate, until they are answered. The work
 * is the gateway's then, so that it is full before any service is.
 */
export function openOwnPlaces(limits: Limits, lag: LoopLag): Places {
  const { ownInFlight, largeOwn } = limits
  const counts = { calls: () => ownInFlight, large: largeOwn, largeWaiting: 4 * largeOwn }
  return new Places(queuedPlaces(limits, lag, counts))
}
