import { testOf } from '../condition.ts'
import { checkScalar, type Input, NotEstablished, type Scalar } from '../input.ts'
import type { ConditionTree, Leaf } from './read-condition.ts'

/**
 * Finds a comparison that shows that the conditions can never be true together, whatever a request
 * holds. Only what can be proved from one field at a time is found: bounds, enums and comparisons
 * that contradict one another. Undefined means that nothing was proved.
 */
export function neverTrueTogether(conditions: readonly ConditionTree[]): Leaf | undefined {
  const leaves: Leaf[] = []
  const alternatives: ConditionTree[] = []
  for (const condition of conditions) collect(condition, leaves, alternatives)
  for (const sameField of Map.groupBy(leaves, (leaf) => leaf.input).values()) {
    if (!satisfiable(sameField[0]!.input, sameField)) return sameField.at(-1)
  }
  for (const part of alternatives) {
    const leaf = neverTrueTogether([part])
    if (leaf) return leaf
  }
  return undefined
}

/** Splits into what must all hold, and the parts of each `any`, looked at one by one. */
function collect(condition: ConditionTree, leaves: Leaf[], alternatives: ConditionTree[]): void {
  if (condition.kind === 'compare') leaves.push(condition)
  else if (condition.kind === 'any') alternatives.push(...condition.parts)
  else for (const part of condition.parts) collect(part, leaves, alternatives)
}

function satisfiable(input: Input, leaves: readonly Leaf[]): boolean {
  if (input.isList) return true
  const candidates = finiteCandidates(input, leaves)
  if (!candidates) return leavesRoom(input, leaves)
  const tests = leaves.map((leaf) => testOf(leaf.op, leaf.expected))
  return candidates.some(
    (value) =>
      !(checkScalar(input, value) instanceof NotEstablished) && tests.every((test) => test(value)),
  )
}

/** All values the field could have, if they can be listed. */
function finiteCandidates(input: Input, leaves: readonly Leaf[]): readonly Scalar[] | undefined {
  if (input.allowed) return [...input.allowed]
  if (input.type === 'boolean') return [true, false]
  const listed = leaves.find((leaf) => leaf.op === 'eq' || leaf.op === 'in')
  return listed && ([listed.expected].flat() as Scalar[])
}

/** Whether numbers are left between the bounds; a text without enum can be anything. */
function leavesRoom(input: Input, leaves: readonly Leaf[]): boolean {
  let low = input.min ?? Number.NEGATIVE_INFINITY
  let high = input.max ?? Number.POSITIVE_INFINITY
  let isLowOpen = false
  let isHighOpen = false
  for (const { op, expected } of leaves) {
    if (typeof expected !== 'number') continue
    if ((op === 'gt' && expected >= low) || (op === 'gte' && expected > low)) {
      low = expected
      isLowOpen = op === 'gt'
    } else if ((op === 'lt' && expected <= high) || (op === 'lte' && expected < high)) {
      high = expected
      isHighOpen = op === 'lt'
    }
  }
  if (input.type === 'integer') {
    const first = isLowOpen ? Math.floor(low) + 1 : Math.ceil(low)
    const last = isHighOpen ? Math.ceil(high) - 1 : Math.floor(high)
    return first <= last
  }
  return low < high || (low === high && !isLowOpen && !isHighOpen)
}
