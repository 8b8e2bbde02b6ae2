import { AibomKeyError, type AibomPublicKey, readAibomPublicKeys } from '../aibom-keys.ts'
import type { AuditEntry } from '../audit-types.ts'
import { sha256Hex } from '../bytes.ts'
import { canonicalJson } from '../canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import { parseWireTime } from '../timestamps.ts'
import type { Rules } from './judge-again.ts'
import { loadPolicySet, type PolicyFile, type PolicySet, SEMANTICS } from './policy-engine.ts'

/** The type of the entry that says that a set became active, and who alone writes it. */
const ACTIVATED = 'policy.activated'
const RECORDED_BY = 'service:mcp-policy'

/** The policies that an entry says became active. */
export interface RecordedPolicies {
  entry: number
  rules: Rules
  /** Identifies what decides beside the set: keys and settings. */
  settings: string
  /** Identifies the texts: one set may be written in several, which explain by other lines. */
  texts: string
  activatedAt: Date
}

/** Why the policies of an entry cannot be used to judge by. */
export interface UnusablePolicies {
  entry: number
  digest: string
  why: string
}

/**
 * The policies that an entry of a verified export says became active: those of its files, which must have the
 * digest that the entry is about. Null where it is another kind of entry.
 */
export function recordedPolicies(entry: AuditEntry): RecordedPolicies | UnusablePolicies | null {
  const { id, event_type, subject: digest, details, actor } = entry
  if (event_type !== ACTIVATED) return null
  const unusable = (why: string): UnusablePolicies => ({ entry: id, digest, why })
  if (actor !== RECORDED_BY) return unusable(`it was written by ${actor}, not by ${RECORDED_BY}`)
  if (!isObject(details)) return unusable('its details are erased')
  if (details.semantics !== SEMANTICS) {
    return unusable(`this aigov judges by semantics ${SEMANTICS} only`)
  }
  const files = filesOf(details.files)
  if (!files) return unusable('its details hold no files')
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return unusable('its files are no valid policies')
  const { set } = loaded
  if (set.digest !== digest) return unusable(`its files have the digest ${set.digest}`)
  const fault = detailsFault(details, set, files)
  if (fault !== null) return unusable(fault)
  const { aibom_keys, aibom_required, gate_sla_ms, activated_at } = details
  const keys = keysOf(aibom_keys)
  if (!keys || typeof aibom_required !== 'boolean' || typeof gate_sla_ms !== 'number') {
    return unusable('its aibom_keys, aibom_required or gate_sla_ms are missing or unreadable')
  }
  return {
    entry: id,
    rules: { set, keys, aibomRequired: aibom_required, slaMs: gate_sla_ms },
    settings: sha256Hex(canonicalJson({ aibom_keys, aibom_required, gate_sla_ms } as JsonObject)),
    texts: sha256Hex(canonicalJson(details.files as JsonValue)),
    activatedAt: new Date(String(activated_at)),
  }
}

/** What the details say of the set that is not so; null if all is. */
function detailsFault(
  { name, version, digest, activated_at }: JsonObject,
  set: PolicySet,
  files: readonly PolicyFile[],
): string | null {
  if (name !== set.name || version !== set.version || digest !== set.digest) {
    return 'its name, version or digest is not that of its files'
  }
  const own = [...set.layers.map(({ file }) => file), set.risk.file].sort()
  if (files.map((file) => file.name).join('\n') !== own.join('\n')) {
    return 'it holds other files than those of the set'
  }
  if (typeof activated_at === 'string' && parseWireTime(activated_at) !== null) return null
  return 'its activated_at is no time in UTC with six decimals'
}

function filesOf(value: JsonValue | undefined): PolicyFile[] | null {
  if (!Array.isArray(value)) return null
  const files: PolicyFile[] = []
  for (const file of value) {
    if (!isObject(file) || typeof file.name !== 'string' || typeof file.content !== 'string')
      return null
    files.push({ name: file.name, content: file.content })
  }
  return files
}

/** Of each the SPKI in PEM, one key that has the id that it is given. */
function keysOf(value: JsonValue | undefined): AibomPublicKey[] | null {
  if (!Array.isArray(value)) return null
  const keys: AibomPublicKey[] = []
  for (const named of value) {
    const [key, ...more] = isObject(named) ? readKeys(String(named.public_key)) : []
    if (!isObject(named) || !key || more.length > 0 || key.id !== named.id) return null
    keys.push(key)
  }
  return keys
}

function readKeys(pem: string): AibomPublicKey[] {
  try {
    return readAibomPublicKeys(pem)
  } catch (error) {
    if (error instanceof AibomKeyError) return []
    throw error
  }
}
