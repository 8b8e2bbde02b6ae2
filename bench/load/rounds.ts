/** How often everything is measured, and for how long each time. */
export interface Rounds {
  count: number
  /** Of one contender in one round, where it is a load that lasts as long as one likes. */
  seconds: number
}

/** More and shorter rounds, for as long in all: the shorter they are, the more alike a slow moment hits each contender. */
export function halvedRounds({ count, seconds }: Rounds): Rounds {
  return { count: 2 * count, seconds: Math.ceil(seconds / 2) }
}

/**
 * Measures all contenders in turn, again and again, so that a slow moment of the machine hits each alike; the order is
 * turned around each time, because who comes after a certain other may have it easier. The first round warms up and
 * is left out. Gives one value a round for each.
 */
export async function interleave<T>(
  subject: string,
  contenders: Readonly<Record<string, () => Promise<T> | T>>,
  count: number,
  say: (line: string) => void,
): Promise<Record<string, T[]>> {
  const measured: Record<string, T[]> = Object.fromEntries(
    Object.keys(contenders).map((name) => [name, []]),
  )
  for (let round = 0; round <= count; round++) {
    const turn = Object.entries(contenders)
    for (const [name, measure] of round % 2 ? turn.reverse() : turn) {
      say(`${subject}, round ${round} of ${count}${round ? '' : ' (warm-up)'}: ${name}`)
      const value = await measure()
      if (round > 0) measured[name]?.push(value)
    }
  }
  return measured
}
