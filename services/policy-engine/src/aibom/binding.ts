import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { asList, isObject, member } from './read.ts'

/** The model that a bill speaks of, when it is the one that a payload names, or why it is not. */
export type Binding = { model: JsonObject; reason: null } | { model: null; reason: UnboundReason }

/** Why a bill does not count for a payload, in words that a denied caller reads. */
export const UNBOUND_REASONS = {
  model_not_named: 'the request names no model_id and version',
  bill_names_no_model: 'the bill names no model',
  model_mismatch: 'the bill is of another model',
  version_mismatch: 'the bill is of another version',
  ambiguous_model: 'the bill describes this model more than once',
  artifacts_not_named: 'the bill gives digests, and the request names no artifacts',
  artifacts_mismatch: 'an artifact of the request is not among the digests of the bill',
} as const
export type UnboundReason = keyof typeof UNBOUND_REASONS

/** What one bill says of one model, whatever its format. */
interface Described {
  modelId: JsonValue | undefined
  version: JsonValue | undefined
  /** The digests it gives of the artifacts; null if it gives none. */
  digests: ReadonlySet<JsonValue> | null
  model: JsonObject
}

/**
 * The model that the payload names by `model_id`, `version` and `artifacts`, as `aibom.data` describes
 * it (`detached-jcs`). `payload` is attacker-controlled, `data` is what was signed.
 */
export function bindData(payload: JsonObject, data: JsonObject): Binding {
  const { model_id, version, artifacts } = data
  const digests = artifacts === undefined ? null : new Set(asList(artifacts))
  return bind(payload, [{ modelId: model_id, version, digests, model: data }])
}

/**
 * The same for a CycloneDX bill: its models are the components of type `machine-learning-model`. Where
 * `metadata.component` is one, the bill is about that one alone. A component of a group is named
 * `group/name`.
 */
export function bindBom(payload: JsonObject, bom: JsonObject): Binding {
  const subject = member(bom, 'metadata').component
  const models = componentsOf(bom).filter(isModel)
  const about = isModel(subject) ? models.filter((model) => isSameModel(model, subject)) : models
  return bind(
    payload,
    about.map((model) => ({
      modelId: componentName(model),
      version: model.version,
      digests: digestsOf(model),
      model,
    })),
  )
}

function bind(payload: JsonObject, described: readonly Described[]): Binding {
  const unbound = (reason: UnboundReason): Binding => ({ model: null, reason })
  const { model_id, version } = payload
  if (!isName(model_id) || !isName(version)) return unbound('model_not_named')
  const models = described.filter((it) => isName(it.modelId) && isName(it.version))
  if (models.length === 0) return unbound('bill_names_no_model')
  const ofModel = models.filter((it) => it.modelId === model_id)
  if (ofModel.length === 0) return unbound('model_mismatch')
  const [found, ...more] = ofModel.filter((it) => it.version === version)
  if (!found) return unbound('version_mismatch')
  if (more.length > 0) return unbound('ambiguous_model')
  const reason = artifactsFault(payload.artifacts, found.digests)
  return reason ? unbound(reason) : { model: found.model, reason: null }
}

/**
 * A bill that gives digests asks for artifacts to be named: were they only compared where there are
 * some, leaving them out would help. A bill without digests says nothing of them either way.
 */
function artifactsFault(
  artifacts: JsonValue | undefined,
  digests: ReadonlySet<JsonValue> | null,
): UnboundReason | null {
  if (digests === null) return null
  if (!Array.isArray(artifacts) || artifacts.length === 0) return 'artifacts_not_named'
  return artifacts.every((artifact) => typeof artifact === 'string' && digests.has(artifact))
    ? null
    : 'artifacts_mismatch'
}

/** `alg` of CycloneDX to the prefix of a digest. MD5 and SHA-1 are broken, and bind nothing. */
const ALGORITHMS = new Map([
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
  ['SHA3-256', 'sha3-256'],
  ['SHA3-384', 'sha3-384'],
  ['SHA3-512', 'sha3-512'],
])

/** The digests of a component and of the files in it, as `sha256:<hex>`; null if it gives no hash at all. */
export function digestsOf(component: JsonObject): Set<string> | null {
  const files = withNested(asList(component.components)).filter(({ type }) => type === 'file')
  // What is no list is a hash that cannot be read, not none.
  const hashes = [component, ...files].flatMap(({ hashes = [] }) =>
    Array.isArray(hashes) ? hashes : [null],
  )
  if (hashes.length === 0) return null
  const digests = new Set<string>()
  for (const hash of hashes) {
    if (!isObject(hash) || typeof hash.alg !== 'string' || typeof hash.content !== 'string')
      continue
    const prefix = ALGORITHMS.get(hash.alg)
    if (prefix) digests.add(`${prefix}:${hash.content.toLowerCase()}`)
  }
  return digests
}

/** The name of a component, with its group in front if it has one. */
export function componentName({ group, name }: JsonObject): string | undefined {
  if (!isName(name)) return undefined
  return isName(group) ? `${group}/${name}` : name
}

/** The component that a bill is about, and its components, each with those nested in it. */
export function componentsOf(bom: JsonObject): JsonObject[] {
  const subject = member(bom, 'metadata').component
  return withNested([...(subject === undefined ? [] : [subject]), ...asList(bom.components)])
}

/** Components with those nested in them, in order; without recursion, for a bill may be deep. */
function withNested(components: readonly JsonValue[]): JsonObject[] {
  const found: JsonObject[] = []
  const open = components.toReversed()
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (!isObject(value)) continue
    found.push(value)
    for (const nested of asList(value.components).toReversed()) open.push(nested)
  }
  return found
}

function isModel(component: JsonValue | undefined): component is JsonObject {
  return isObject(component) && component.type === 'machine-learning-model'
}

function isSameModel(a: JsonObject, b: JsonObject): boolean {
  return componentName(a) === componentName(b) && a.version === b.version
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== ''
}
