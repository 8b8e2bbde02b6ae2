import type { Limits } from '../limits.ts'
import { Admission } from './admission.ts'
import type { LoopLag } from './loop-lag.ts'
import type { PlacesOptions } from './places.ts'

/** So many places, asked each time, so many of them for large bodies, and how many of those may wait. */
export interface PlaceCounts {
  calls: () => number
  large: number
  largeWaiting: number
}

/** Places with the queues before them that docs/OPERATIONS.md tells of, "Limits under load". */
export function queuedPlaces(
  limits: Limits,
  lag: LoopLag,
  { calls, large, largeWaiting }: PlaceCounts,
): PlacesOptions {
  const { waiting, patience, loopLag, largeBody, largePatience } = limits
  return {
    calls: new Admission({
      places: calls,
      ...{ waiting, patience },
      isLate: () => lag.ms > loopLag,
    }),
    large: new Admission({
      places: () => large,
      waiting: largeWaiting,
      patience: largePatience,
    }),
    largeBody,
  }
}
