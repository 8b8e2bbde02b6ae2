import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import fc from 'fast-check'
import { FIELDS, type Field, GOOD, isWrong, ODD } from './random-fields.ts'

/* Random requests over the catalogue of fields, and ways to say less. */

export interface Case {
  payload: JsonObject
  evidence: JsonObject | null
  now: Date
}

/** Writes a value at a dotted path, making the objects on the way. */
function put(root: JsonObject, path: string, value: JsonValue): void {
  const names = path.split('.')
  const last = names.pop()!
  let at = root
  for (const name of names) {
    const next = at[name]
    const isObject = typeof next === 'object' && next !== null && !Array.isArray(next)
    const inner = isObject ? next : {}
    at[name] = inner
    at = inner
  }
  at[last] = value
}

/** What a request says of one field: mostly a value as declared, at times an odd one or nothing. */
function said(name: string, field: Field): fc.Arbitrary<JsonValue | undefined> {
  const values = GOOD[name]!
  const good: fc.Arbitrary<JsonValue> =
    field.type === 'list' ? fc.subarray(values) : fc.constantFrom(...values)
  return fc.oneof(
    { weight: 14, arbitrary: good },
    { weight: 1, arbitrary: fc.constantFrom(...ODD) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
}

const moments = fc.constantFrom(
  '2026-06-14T23:59:59.999Z',
  '2026-06-15T00:00:00.000Z',
  '2026-06-15T12:00:00.000Z',
  '2026-06-16T00:00:00.000Z',
)

export const cases: fc.Arbitrary<Case> = fc
  .tuple(
    fc.tuple(...Object.entries(FIELDS).map(([name, field]) => said(name, field))),
    fc.integer({ min: 0, max: 9 }),
    moments,
  )
  .map(([values, verified, now]) => {
    const payload: JsonObject = {}
    const evidence: JsonObject = {}
    for (const [index, [name, field]] of Object.entries(FIELDS).entries()) {
      const value = values[index]
      if (value !== undefined) put(field.source ? evidence : payload, name, structuredClone(value))
    }
    return { payload, evidence: verified > 0 ? evidence : null, now: new Date(now) }
  })

/** One way to say less: take a member away, or put a value there that its field does not take. */
export interface Loss {
  path: string
  fromEvidence: boolean
  value: JsonValue | undefined
}

/** Every field and every object around one, from the outermost in. */
const PATHS = new Set(
  Object.keys(FIELDS).flatMap((path) => {
    const names = path.split('.')
    return names.map((_, index) => names.slice(0, index + 1).join('.'))
  }),
)

export const losses: fc.Arbitrary<Loss> = fc.constantFrom(
  ...[...PATHS].flatMap((path) => {
    const field = FIELDS[path]
    const fromEvidence = path === 'ev' || path.startsWith('ev.')
    const noObject = (value: JsonValue) =>
      Array.isArray(value) || typeof value !== 'object' || !value
    const wrong = ODD.filter((value) => (field ? isWrong(field, value) : noObject(value)))
    return [undefined, ...wrong].map((value) => ({ path, fromEvidence, value }))
  }),
)

/** The same request, saying less. A member that is not there stays away. */
export function lose(request: Case, lost: readonly Loss[]): Case {
  const { payload, evidence } = structuredClone(request)
  for (const { path, fromEvidence, value } of lost) {
    const names = path.split('.')
    const last = names.pop()!
    let at: JsonValue | undefined = fromEvidence ? evidence : payload
    for (const name of names) {
      at = typeof at === 'object' && at !== null && !Array.isArray(at) ? at[name] : undefined
    }
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, last)) {
      continue
    }
    if (value === undefined) delete at[last]
    else at[last] = structuredClone(value)
  }
  return { payload, evidence, now: request.now }
}
