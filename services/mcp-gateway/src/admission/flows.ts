/** What one caller has: how much it holds, and what it waits for, the oldest first. */
export interface Flow<Item> {
  inside: number
  readonly queue: { item: Item; since: number }[]
}

/** How many flows that have nothing are remembered: making one anew for each call would cost more. */
const IDLE = 1_000

/**
 * Who waits, by caller. Flows are served in turn, those that hold least before others (max-min fairness).
 * The caller of this class says in `inside` how much a flow holds, but for what {@link takeNext} gives it.
 */
export class Flows<Item> {
  readonly #all = new Map<string, Flow<Item>>()
  /** Those with somebody in their queue; whoever was served longest ago is first. */
  readonly #waiting = new Set<Flow<Item>>()
  #count = 0
  #roomy = IDLE

  /** How many wait, of all flows. */
  get waiting(): number {
    return this.#count
  }

  /** What the largest of the flows that wait holds and waits for; 0 where none waits. */
  get largest(): number {
    const flow = this.#largest()
    return flow ? sizeOf(flow) : 0
  }

  get(name: string): Flow<Item> {
    const known = this.#all.get(name)
    if (known) return known
    if (this.#all.size >= this.#roomy) this.#forgetIdle()
    const flow = { inside: 0, queue: [] }
    this.#all.set(name, flow)
    return flow
  }

  push(flow: Flow<Item>, item: Item, since: number): void {
    flow.queue.push({ item, since })
    this.#waiting.add(flow)
    this.#count++
  }

  /** Whose turn it is, of its flow the oldest or the newest; it is inside then. */
  takeNext(newest: boolean): Item | undefined {
    let next: Flow<Item> | undefined
    for (const flow of this.#waiting) if (!next || flow.inside < next.inside) next = flow
    if (!next) return undefined
    next.inside++
    // Its next turn comes after those of all others.
    this.#waiting.delete(next)
    this.#waiting.add(next)
    return this.#take(next, newest)
  }

  /** Who came last to the flow that holds and waits for most. */
  takeNewestOfLargest(): Item | undefined {
    const flow = this.#largest()
    return flow && this.#take(flow, true)
  }

  /** All who have been waiting since `before` or longer. */
  takeLate(before: number): Item[] {
    const late: Item[] = []
    for (const flow of this.#waiting) {
      const first = flow.queue.findIndex(({ since }) => since > before)
      const taken = flow.queue.splice(0, first === -1 ? flow.queue.length : first)
      for (const { item } of taken) late.push(item)
      this.#count -= taken.length
      if (flow.queue.length === 0) this.#waiting.delete(flow)
    }
    return late
  }

  #take(flow: Flow<Item>, newest: boolean): Item | undefined {
    const taken = newest ? flow.queue.pop() : flow.queue.shift()
    if (flow.queue.length === 0) this.#waiting.delete(flow)
    this.#count--
    return taken?.item
  }

  #largest(): Flow<Item> | undefined {
    let largest: Flow<Item> | undefined
    for (const flow of this.#waiting) {
      if (!largest || sizeOf(flow) > sizeOf(largest)) largest = flow
    }
    return largest
  }

  #forgetIdle(): void {
    for (const [name, flow] of this.#all) if (sizeOf(flow) === 0) this.#all.delete(name)
    this.#roomy = 2 * this.#all.size + IDLE
  }
}

const sizeOf = ({ inside, queue }: Flow<unknown>): number => inside + queue.length
