import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** One small change to the text of a policy file, which its tests should notice. */
export interface Mutant {
  /** `line: what was changed`, for the message when no test notices. */
  what: string
  content: string
}

/** Puts `text` in the place of what `node` spans, and says what that means. */
type Mutate = (node: Node, text: string, what: string) => void

const ORDERING = ['gt', 'gte', 'lt', 'lte']
const NEGATED: Record<string, string> = { eq: 'ne', ne: 'eq', in: 'not_in', not_in: 'in' }
const MODES = ['block', 'warn', 'observe']

/**
 * Every mutant of a policy: other operators, operands, thresholds, modes and days, `require` for
 * `deny`, `all` for `any`, and rules without their `when`.
 */
export function mutantsOfPolicy(content: string): Mutant[] {
  const { root, mutate, mutants } = mutating(content)
  const enums = new Map<string, unknown[]>()
  for (const { key, value } of pairs(root.get('inputs'))) {
    enums.set(text(key), isMap(value) ? list(value.get('enum')).map(plain) : [])
  }
  const thresholds = new Map<string, Set<string>>()
  const walk = (condition: unknown): void => {
    if (!isMap(condition)) return
    for (const { key, value } of pairs(condition)) {
      const group = text(key)
      if (group !== 'all' && group !== 'any') continue
      const parts = list(value)
      if (parts.length > 1) mutate(key, group === 'all' ? 'any' : 'all', `${group} swapped`)
      for (const part of parts) walk(part)
    }
    mutateComparison(condition, enums, thresholds, mutate)
  }
  for (const rule of list(root.get('rules'))) {
    if (!isMap(rule)) continue
    for (const { key, value } of pairs(rule)) mutateRuleKey(text(key), key, value, mutate, walk)
    mutateAway(content, rule, 'when', mutate)
    if (!rule.has('mode')) {
      const first = rule.items[0]!.key as Node
      const separator = rule.flow ? ', ' : `\n${' '.repeat(columnOf(content, first))}`
      for (const mode of MODES.slice(1)) {
        mutate(first, `mode: ${mode}${separator}${text(first)}`, `mode ${mode}`)
      }
    }
  }
  for (const waiver of list(root.get('waivers'))) {
    if (!isMap(waiver)) continue
    walk(waiver.get('match', true))
    mutateDay(waiver.get('expires', true), mutate)
  }
  for (const { key, value } of pairs(root.get('thresholds'))) {
    for (const field of thresholds.get(text(key)) ?? [])
      mutateOperand(value, enums.get(field), mutate)
  }
  return mutants
}

/**
 * Every mutant of a risk matrix: each of its numbers one more and one less. Left out is where the
 * lowest level starts, which decides nothing: a lower score counts as the lowest level too.
 */
export function mutantsOfRisk(content: string): Mutant[] {
  const { root, mutate, mutants } = mutating(content)
  const starts = pairs(root.get('levels')).map(({ value }) => value)
  const lowest = starts.toSorted((a, b) => Number(plain(a)) - Number(plain(b)))[0]
  const walk = (node: unknown): void => {
    if (isMap(node)) for (const { value } of pairs(node)) walk(value)
    else if (isSeq(node)) for (const item of list(node)) walk(item)
    else if (isScalar(node) && typeof node.value === 'number' && node !== lowest) {
      mutateNumber(node, mutate)
    }
  }
  for (const key of ['scale', 'weights', 'factors', 'levels', 'deny_at']) {
    walk(root.get(key, true))
  }
  return mutants
}

function mutating(content: string) {
  const root = parseDocument(content).contents as YAMLMap
  const mutants: Mutant[] = []
  const mutate: Mutate = (node, replacement, what) => {
    const [start, end] = node.range!
    const line = content.slice(0, start).split('\n').length
    const changed = content.slice(0, start) + replacement + content.slice(end)
    mutants.push({ what: `line ${line}: ${what}`, content: changed })
  }
  return { root, mutate, mutants }
}

function mutateRuleKey(
  name: string,
  key: Node,
  value: unknown,
  mutate: Mutate,
  walk: (condition: unknown) => void,
): void {
  if (name === 'require' || name === 'deny') {
    mutate(key, name === 'deny' ? 'require' : 'deny', `${name} swapped`)
  }
  if (name === 'mode') {
    for (const mode of MODES) if (mode !== text(value)) mutate(value as Node, mode, `mode ${mode}`)
  } else if (name === 'effective_from' || name === 'effective_until') mutateDay(value, mutate)
  else if (name === 'when' || name === 'require' || name === 'deny') walk(value)
}

/** Without its `when` a rule applies always. The key and its value give way to a harmless one. */
function mutateAway(content: string, rule: YAMLMap, name: string, mutate: Mutate): void {
  const { key, value } = pairs(rule).find((pair) => text(pair.key) === name) ?? {}
  if (!key) return
  const end = (value as Node).range![1]
  const rest = content.slice(key.range![0], end).endsWith('\n') ? '\n' : ''
  const span = { range: [key.range![0], end, end] } as Node
  mutate(span, `owner: nobody${rest}`, `no ${name}`)
}

function mutateComparison(
  condition: YAMLMap,
  enums: ReadonlyMap<string, unknown[]>,
  thresholds: Map<string, Set<string>>,
  mutate: Mutate,
): void {
  const op = condition.get('op', true)
  if (!op) return
  const field = text(condition.get('field', true))
  const written = text(op)
  const others = ORDERING.includes(written) ? ORDERING : [NEGATED[written]]
  for (const other of others)
    if (other && other !== written) mutate(op, other, `${other} for ${written}`)
  const from = condition.get('value_from', true)
  if (!from) mutateOperand(condition.get('value', true), enums.get(field), mutate)
  else {
    const name = text(from).replace('thresholds.', '')
    thresholds.set(name, (thresholds.get(name) ?? new Set()).add(field))
  }
}

/** A list loses each of its elements and gets each that the enum has besides. */
function mutateOperand(operand: unknown, allowed: unknown[] | undefined, mutate: Mutate): void {
  if (!isSeq(operand)) {
    mutateScalar(operand, allowed, mutate)
    return
  }
  const values = list(operand).map(plain)
  const write = (kept: unknown[], what: string) =>
    mutate(operand as Node, `${JSON.stringify(kept)}${operand.flow ? '' : '\n'}`, what)
  for (const value of values) {
    const rest = values.filter((other) => other !== value)
    if (rest.length > 0) write(rest, `without ${String(value)}`)
  }
  for (const value of allowed ?? []) {
    if (!values.includes(value)) write([...values, value], `with ${String(value)}`)
  }
}

function mutateScalar(operand: unknown, allowed: unknown[] | undefined, mutate: Mutate): void {
  if (!isScalar(operand)) return
  const { value } = operand
  if (typeof value === 'number') mutateNumber(operand as Node, mutate)
  else if (typeof value === 'boolean') mutate(operand as Node, String(!value), `${!value}`)
  else {
    const others = allowed && allowed.length > 0 ? allowed : ['something else']
    for (const other of others) {
      if (other !== value) mutate(operand as Node, JSON.stringify(other), `${other} for ${value}`)
    }
  }
}

/** Whole numbers change by one, small and huge ones by a hundredth. */
function mutateNumber(node: Node, mutate: Mutate): void {
  const value = plain(node) as number
  const step = Number.isInteger(value) && Math.abs(value) < 1e6 ? 1 : Math.abs(value) / 100
  for (const other of [value + step, value - step]) {
    mutate(node, JSON.stringify(other), `${other} for ${value}`)
  }
}

function mutateDay(node: unknown, mutate: Mutate): void {
  if (!isScalar(node)) return
  for (const days of [1, -1]) {
    const time = new Date(`${text(node)}T00:00:00Z`).getTime() + days * 86_400_000
    const other = new Date(time).toISOString().split('T')[0]!
    mutate(node as Node, JSON.stringify(other), `${other} for ${text(node)}`)
  }
}

function pairs(node: unknown): { key: Node; value: unknown }[] {
  return isMap(node) ? (node.items as Pair<Node>[]).map(({ key, value }) => ({ key, value })) : []
}

function list(node: unknown): unknown[] {
  return isSeq(node) ? node.items : []
}

function plain(node: unknown): unknown {
  return isScalar(node) ? node.value : undefined
}

function text(node: unknown): string {
  return String(plain(node))
}

function columnOf(content: string, { range }: Node): number {
  return range![0] - (content.lastIndexOf('\n', range![0] - 1) + 1)
}
