import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'

/** What has not happened for so long, in ms, does not happen any more. */
const PATIENCE = 120_000

/** Asks again and again, every 20 ms, until it is so; throws a `Failure` when it is not in time. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  const deadline = Date.now() + patience
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Failure(`${what} did not come in ${patience / 1_000} s`)
    await sleep(20)
  }
}

/** A number of somebody else's that grows, and what it is the number of. */
export interface Counted {
  /** As in "nothing was acknowledged". */
  done: string
  count: () => number
  /** Whether nobody counts any more. */
  isOver: () => boolean
}

/** Resolves once it is so many; throws a `Failure` when it stands still for too long or nobody counts any more. */
export async function reaches(
  { done, count, isOver }: Counted,
  goal: number,
  patience = PATIENCE,
): Promise<void> {
  let [last, movedAt] = [count(), Date.now()]
  for (; last < goal; await sleep(10)) {
    if (isOver()) throw new Failure('the load ended while more was to be done to it')
    const now = count()
    if (now !== last) [last, movedAt] = [now, Date.now()]
    else if (Date.now() - movedAt > patience) {
      const seconds = patience / 1_000
      throw new Failure(`nothing was ${done} for ${seconds} s: what was broken did not come back`)
    }
  }
}
