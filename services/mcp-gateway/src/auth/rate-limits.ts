import type { Socket } from 'node:net'

/** So many requests a second, after a burst of so many at once. */
export interface Rate {
  perSecond: number
  burst: number
}

/** Who is remembered at most; whoever was away longest is forgotten first, and begins with a whole burst. */
const MAX_BUCKETS = 10_000

interface Bucket {
  tokens: number
  /** When `tokens` was right, in seconds. */
  at: number
}

/** Token buckets, one for each name. A name that has not been seen has a full one. */
export class RateLimiter {
  readonly #rate: Rate
  readonly #max: number
  /** In order of use, the longest unused first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate, max = MAX_BUCKETS) {
    this.#rate = rate
    this.#max = max
  }

  /** Whether nobody has taken anything yet. */
  get isUntouched(): boolean {
    return this.#buckets.size === 0
  }

  /**
   * Takes a token.
   *
   * @param now seconds of a clock that never runs back
   * @returns 0, or after how many whole seconds there is one again; then nothing is taken
   */
  take(name: string, now: number): number {
    const bucket = this.#filled(name, now) ?? { tokens: this.#rate.burst, at: now }
    if (bucket.tokens < 1) return this.#secondsUntilOne(bucket)
    bucket.tokens -= 1
    this.#buckets.delete(name)
    if (this.#buckets.size >= this.#max) {
      this.#buckets.delete(this.#buckets.keys().next().value as string)
    }
    this.#buckets.set(name, bucket)
    return 0
  }

  /** What {@link take} would return; takes nothing, and remembers nobody. */
  wait(name: string, now: number): number {
    const bucket = this.#filled(name, now)
    return !bucket || bucket.tokens >= 1 ? 0 : this.#secondsUntilOne(bucket)
  }

  #filled(name: string, now: number): Bucket | undefined {
    const bucket = this.#buckets.get(name)
    if (!bucket) return undefined
    const { perSecond, burst } = this.#rate
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * perSecond)
    bucket.at = now
    return bucket
  }

  #secondsUntilOne({ tokens }: Bucket): number {
    return Math.max(1, Math.ceil((1 - tokens) / this.#rate.perSecond))
  }
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * Where a connection comes from: the address at the other end of the socket, since what headers say of it is the
 * caller's to choose. Of IPv6 the first 64 bits, as whoever has one address there has them all.
 */
export function sourceOf({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string {
  if (remoteAddress === undefined) return 'unknown'
  const mapped = MAPPED.exec(remoteAddress)?.[1]
  if (mapped) return mapped
  if (!remoteAddress.includes(':')) return remoteAddress
  const [left = '', right] = (remoteAddress.split('%')[0] as string).split('::')
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}
