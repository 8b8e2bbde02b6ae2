import { allOf, anyOf, type Condition, compare } from './condition.ts'
import { type Input, type Reader, readerOf } from './input.ts'
import type { Rule } from './policy-set.ts'
import type { ConditionTree } from './read-condition.ts'
import type { RuleTree } from './read-rule.ts'

/** Gives each field that rules read a number, under which its reading is kept for a request. */
export class FieldSlots {
  readonly readers: Reader[] = []
  readonly #numbers = new Map<Input, number>()

  of(input: Input): number {
    const known = this.#numbers.get(input)
    if (known !== undefined) return known
    const number = this.readers.push(readerOf(input)) - 1
    this.#numbers.set(input, number)
    return number
  }
}

export function compileRule(rule: RuleTree, file: string, slots: FieldSlots): Rule {
  const { id, law, mode, reason, from, until, breaksOn } = rule
  return {
    id,
    law,
    at: `${file}:${rule.at.line}`,
    mode,
    reason,
    from,
    until,
    when: rule.when && compileCondition(rule.when, slots),
    test: compileCondition(rule.test, slots),
    breaksOn,
  }
}

function compileCondition(tree: ConditionTree, slots: FieldSlots): Condition {
  if (tree.kind === 'compare') {
    const { input, op, expected, at } = tree
    return compare({ slot: slots.of(input), field: input.field, op, expected, at })
  }
  const parts = tree.parts.map((part) => compileCondition(part, slots))
  return tree.kind === 'all' ? allOf(parts) : anyOf(parts)
}
