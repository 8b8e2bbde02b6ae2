import { Draws } from './load/draws.ts'

/** A measurement of something, so many minutes after a beginning. */
export interface Point {
  minute: number
  value: number
}

/** A slope, in units of the value a minute. */
export interface Slope {
  /** The middle of the slopes between all pairs of points (Theil and Sen). */
  slope: number
  /** Within which it lies with 95 %, by a bootstrap of blocks. */
  low: number
  high: number
  /** Of the line with the least squares, for comparison. */
  leastSquares: number
}

/** Memory goes up and down in waves: what lies within so many minutes belongs together and is drawn together. */
const BLOCK_MINUTES = 1
const RESAMPLES = 400
/** More points are thinned: the number of pairs grows with their square. */
const MOST_POINTS = 200

/**
 * The slope of a series, in a way that single steps and peaks do not decide: the memory of a V8 process grows in steps and
 * falls back at a collection, so that least squares take one late step for a slope. The interval comes from lines that
 * keep their slope and draw their deviations anew, in blocks, since neighbours deviate together.
 *
 * @param points in order of time, at least two at different times
 */
export function slopeOf(points: readonly Point[]): Slope {
  const thinned = thin(points)
  const slope = middleSlope(thinned)
  const level = middle(thinned.map(({ minute, value }) => value - slope * minute))
  const rests = thinned.map(({ minute, value }) => value - level - slope * minute)
  const block = blockLength(thinned)
  const draws = new Draws(0, 'slope')
  const slopes = Array.from({ length: RESAMPLES }, () => {
    const drawn = drawBlocks(rests, block, draws)
    return middleSlope(
      thinned.map(({ minute }, i) => ({
        minute,
        value: level + slope * minute + (drawn[i] as number),
      })),
    )
  }).sort((one, other) => one - other)
  return {
    slope,
    low: slopes[Math.floor(0.025 * RESAMPLES)] as number,
    high: slopes[Math.ceil(0.975 * RESAMPLES) - 1] as number,
    leastSquares: leastSquares(points),
  }
}

function thin(points: readonly Point[]): Point[] {
  const step = Math.ceil(points.length / MOST_POINTS)
  return points.filter((_, i) => i % step === 0)
}

function blockLength(points: readonly Point[]): number {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || last.minute <= first.minute) {
    throw new Error('a slope needs two points at different times')
  }
  const step = (last.minute - first.minute) / (points.length - 1)
  return Math.max(1, Math.min(Math.round(BLOCK_MINUTES / step), points.length >> 1))
}

function drawBlocks(rests: readonly number[], block: number, draws: Draws): number[] {
  const drawn: number[] = []
  while (drawn.length < rests.length) {
    const from = draws.below(rests.length - block + 1)
    drawn.push(...rests.slice(from, from + block))
  }
  return drawn
}

function middleSlope(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [i, one] of points.entries()) {
    for (let k = i + 1; k < points.length; k++) {
      const other = points[k] as Point
      if (other.minute > one.minute) {
        slopes.push((other.value - one.value) / (other.minute - one.minute))
      }
    }
  }
  return middle(slopes)
}

function middle(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  return sorted.length % 2 ? upper : ((sorted[half - 1] as number) + upper) / 2
}

function leastSquares(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [minute, value] = [mean((point) => point.minute), mean((point) => point.value)]
  const both = mean((point) => (point.minute - minute) * (point.value - value))
  return both / mean((point) => (point.minute - minute) ** 2)
}
