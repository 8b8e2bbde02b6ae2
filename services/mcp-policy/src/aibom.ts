import { hash } from 'node:crypto'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '@ai-governance/common/canonical-json'
import { verifyEd25519 } from '@ai-governance/common/ed25519'
import type { AibomKey } from './aibom-keys.ts'
import type { AibomResult } from './answers.ts'

/**
 * Judges the value at `payload.aibom` by the configured keys alone: what a bill says of its own key is
 * a hint. `aibom` is attacker-controlled; undefined means that there is none.
 */
export function judgeAibom(aibom: JsonValue | undefined, keys: readonly AibomKey[]): AibomResult {
  if (aibom === undefined || aibom === null) return result('absent', null)
  if (typeof aibom !== 'object' || Array.isArray(aibom))
    return result('unsupported', 'not_an_object')
  if (Object.hasOwn(aibom, 'bomFormat')) return result('unsupported', 'format_not_supported')
  const { data, signature, key_id, ...others } = aibom
  if (!isObject(data)) return result('unsupported', 'unknown_format')
  if (signature === undefined) return result('unsupported', 'not_signed')
  if (Object.keys(others).length > 0) return result('invalid', 'unknown_member')
  if (key_id !== undefined && typeof key_id !== 'string')
    return result('invalid', 'malformed_key_id')
  return judgeDetached(data, signature, key_id, keys)
}

function judgeDetached(
  data: JsonObject,
  signature: JsonValue,
  keyId: string | undefined,
  keys: readonly AibomKey[],
): AibomResult {
  const signed = canonicalJson(data)
  const about = {
    format: 'detached-jcs' as const,
    key_id: keyId ?? null,
    canonical_sha256: hash('sha256', signed),
  }
  const bytes = typeof signature === 'string' ? decodeSignature(signature) : null
  if (!bytes) return { status: 'invalid', ...about, reason: 'malformed_signature' }
  const candidates = keyId === undefined ? keys : keys.filter((key) => key.id === keyId)
  if (candidates.length === 0) {
    const reason = keys.length === 0 ? 'no_keys_configured' : 'unknown_key_id'
    return { status: 'untrusted_key', ...about, reason }
  }
  const message = Buffer.from(signed)
  const signer = candidates.find(({ key }) => verifyEd25519(key, message, bytes))
  return signer
    ? { status: 'verified', ...about, key_id: signer.id, reason: null }
    : { status: 'invalid', ...about, reason: 'signature_mismatch' }
}

/**
 * 64 bytes from 128 hex digits, 88 characters of padded base64 or 86 of base64url; else null. Decoding
 * is lenient in Node, so only a text that encodes back to itself is taken: one signature, one text.
 */
function decodeSignature(text: string): Buffer | null {
  const encoding = ({ 128: 'hex', 88: 'base64', 86: 'base64url' } as const)[text.length]
  if (!encoding) return null
  const bytes = Buffer.from(text, encoding)
  return bytes.length === 64 && bytes.toString(encoding) === text ? bytes : null
}

function result(status: AibomResult['status'], reason: string | null): AibomResult {
  return { status, format: null, key_id: null, canonical_sha256: null, reason }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * What a verified bill says, for rules with `source: aibom`, or null. A bill counts only for the model
 * that the payload names: a good one of another model is no evidence.
 */
export function evidenceOf(payload: JsonObject, judged: AibomResult): JsonObject | null {
  if (judged.status !== 'verified' || !isObject(payload.aibom)) return null
  const data = payload.aibom.data
  if (!isObject(data)) return null
  const isSame = (name: string) =>
    Object.hasOwn(payload, name) &&
    Object.hasOwn(data, name) &&
    typeof payload[name] === 'string' &&
    payload[name] === data[name]
  return isSame('model_id') && isSame('version') ? data : null
}
