import { AibomKeyError, type AibomPublicKey, readAibomPublicKeys } from '../aibom-keys.ts'
import type { AuditEntry } from '../audit-types.ts'
import { sha256Hex } from '../bytes.ts'
import { canonicalJson } from '../canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import type { Rules } from './judge-again.ts'
import { loadPolicySet, type PolicyFile, SEMANTICS } from './policy-engine.ts'

/** The type of the entry that mcp-policy writes when a set becomes active; only mcp-policy may write it. */
const ACTIVATED = 'policy.activated'

/** What counts of an activation: two with the same `fingerprint` judge alike, to the line of each explanation. */
export interface RecordedPolicies extends Rules {
  fingerprint: string
}

/** Why the policies of an entry cannot be used to judge by. */
export interface UnusablePolicies {
  entry: number
  digest: string
  why: string
}

/**
 * The policies that an entry says became active: those of its files, which must have the digest that the entry is
 * about. Null where it is another kind of entry.
 */
export function recordedPolicies(entry: AuditEntry): RecordedPolicies | UnusablePolicies | null {
  const { id, event_type, subject: digest, details } = entry
  if (event_type !== ACTIVATED) return null
  const unusable = (why: string): UnusablePolicies => ({ entry: id, digest, why })
  if (!isObject(details)) return unusable('its details are erased')
  const { semantics, files, aibom_keys, aibom_required, gate_sla_ms } = details
  if (semantics !== SEMANTICS) return unusable(`this aigov judges by semantics ${SEMANTICS} only`)
  const texts = filesOf(files)
  if (!texts) return unusable('its details hold no files')
  const loaded = loadPolicySet(texts)
  if (!loaded.ok) return unusable('its files are no valid policies')
  const { set } = loaded
  if (set.digest !== digest) return unusable(`its files have the digest ${set.digest}`)
  const keys = keysOf(aibom_keys)
  if (!keys || typeof aibom_required !== 'boolean' || typeof gate_sla_ms !== 'number') {
    return unusable('its aibom_keys, aibom_required or gate_sla_ms are missing or unreadable')
  }
  const settings = { files, aibom_keys, aibom_required, gate_sla_ms } as JsonObject
  const fingerprint = sha256Hex(canonicalJson(settings))
  return { set, keys, aibomRequired: aibom_required, slaMs: gate_sla_ms, fingerprint }
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

/** Of each the SPKI in PEM. */
function keysOf(value: JsonValue | undefined): AibomPublicKey[] | null {
  if (!Array.isArray(value)) return null
  try {
    return value.flatMap((key) =>
      isObject(key) ? readAibomPublicKeys(String(key.public_key)) : readAibomPublicKeys(''),
    )
  } catch (error) {
    if (error instanceof AibomKeyError) return null
    throw error
  }
}
