import type { Limits } from '../limits.ts'
import { Admission } from '../upstreams/admission.ts'
import type { LoopLag } from '../upstreams/loop-lag.ts'
import { Places } from '../upstreams/places.ts'

/**
 * Places for requests with a body to routes of the gateway's own, such as the gate, until they are answered. The work
 * is the gateway's then, so that it is full before any service is.
 */
export function openOwnPlaces(limits: Limits, lag: LoopLag): Places {
  const { ownInFlight, waiting, burst, patience, largeBody, largeOwn, largePatience } = limits
  return new Places({
    calls: new Admission({
      places: () => ownInFlight,
      ...{ waiting, burst, patience },
      isLate: () => lag.ms > limits.loopLag,
    }),
    large: new Admission({
      places: () => largeOwn,
      waiting: 4 * largeOwn,
      burst: largePatience,
      patience: largePatience,
    }),
    largeBody,
  })
}
