/** By how much the rate is raised, coarse before fine: the peak is the last good rate to within the last of them. */
const STEPS = [2, 1.15, 1.05] as const

/**
 * The run with the highest rate that was sustained: from `slowest` on the rate is raised by large steps until one is too
 * much, and from the last good one by smaller ones.
 *
 * @param sustains what a rate showed; null where it is too much
 * @throws Error where not even the slowest is sustained
 */
export async function findPeak<T>(
  slowest: number,
  sustains: (rate: number) => Promise<T | null>,
): Promise<T> {
  let good = await sustains(slowest)
  if (good === null) throw new Error(`not even ${slowest} requests a second are answered 200`)
  let rate = slowest
  for (const step of STEPS) {
    for (
      let next = await sustains(rate * step);
      next !== null;
      next = await sustains(rate * step)
    ) {
      rate *= step
      good = next
    }
  }
  return good
}
