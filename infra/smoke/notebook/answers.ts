/** What the names in angle brackets stand for, found so far. */
export type Bindings = Map<string, unknown>

/**
 * Compares what a step printed with what the page expects. Each line that is a JSON object or array is an
 * answer. An answer must be the expected one at which the comparison stands, or the next one: several
 * verifiers may say the same. Other lines are for people.
 *
 * In an expected value, an object names the members that count; an array counts as a whole; a text `<name>`
 * stands for any value, and inside of a text for any characters, the same wherever the name comes back.
 *
 * @param bindings what names stand for already; gets what this step adds
 * @returns how many answers there were, or in a sentence what is wrong
 */
export function compareAnswers(
  output: string,
  expected: readonly unknown[],
  bindings: Bindings,
): { answers: number } | { fault: string } {
  const lines = output.split('\n').filter((line) => /^\s*[[{]/.test(line))
  let at = -1
  for (const line of lines) {
    const answer = parse(line)
    if (answer === undefined) return { fault: `it printed what is not JSON: ${line}` }
    const here = at < 0 ? 'no answer yet' : difference(expected[at], answer, bindings)
    if (here === null) continue
    if (at + 1 >= expected.length) return { fault: `it printed ${line}\n  ${here}` }
    const next = difference(expected[at + 1], answer, bindings)
    if (next !== null) return { fault: `it printed ${line}\n  ${next}` }
    at++
  }
  if (at + 1 === expected.length) return { answers: lines.length }
  return { fault: `it did not print ${JSON.stringify(expected[at + 1])}` }
}

/** Why a value is not what is expected, with the path to it; null, and new bindings, if it is. */
export function difference(expected: unknown, actual: unknown, bindings: Bindings): string | null {
  const tried: Bindings = new Map(bindings)
  const found = differs('answer', expected, actual, tried)
  if (found === null) for (const [name, value] of tried) bindings.set(name, value)
  return found
}

function differs(path: string, expected: unknown, actual: unknown, bound: Bindings): string | null {
  const name = typeof expected === 'string' ? /^<(\w+)>$/.exec(expected)?.[1] : undefined
  if (name !== undefined) return bind(path, name, actual, bound)
  if (typeof expected === 'string' && typeof actual === 'string') {
    return textDiffers(path, expected, actual, bound)
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length !== actual.length) {
    return `${path} has ${actual.length} elements and not ${expected.length}`
  }
  if (isContainer(expected) && isContainer(actual) && isArray(expected) === isArray(actual)) {
    for (const [key, value] of Object.entries(expected)) {
      if (!Object.hasOwn(actual, key)) return `${path} has no "${key}"`
      const found = differs(`${path}.${key}`, value, actual[key], bound)
      if (found !== null) return found
    }
    return null
  }
  return expected === actual ? null : unequal(path, expected, actual)
}

function bind(path: string, name: string, actual: unknown, bound: Bindings): string | null {
  if (!bound.has(name)) bound.set(name, actual)
  const value = bound.get(name)
  return JSON.stringify(value) === JSON.stringify(actual)
    ? null
    : unequal(path, `<${name}>, which is ${JSON.stringify(value)},`, actual)
}

function textDiffers(path: string, expected: string, actual: string, bound: Bindings) {
  const parts = expected.split(/<(\w+)>/)
  const literal = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = parts.map((part, i) => (i % 2 === 0 ? literal(part) : '([^]+?)')).join('')
  const values = new RegExp(`^${pattern}$`).exec(actual)?.slice(1)
  if (!values) return unequal(path, expected, actual)
  const names = parts.filter((_, i) => i % 2 === 1)
  for (const [i, name] of names.entries()) {
    const found = bind(path, name, values[i], bound)
    if (found !== null) return found
  }
  return null
}

function unequal(path: string, expected: unknown, actual: unknown): string {
  return `${path} is ${JSON.stringify(actual)} and not ${JSON.stringify(expected)}`
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

const isArray = (value: unknown): boolean => Array.isArray(value)

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
