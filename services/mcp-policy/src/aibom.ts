import { hash } from 'node:crypto'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '@ai-governance/common/formats/canonical-json'
import { verifyEd25519 } from '@ai-governance/common/formats/ed25519'
import { isCycloneDx, isObject } from '@ai-governance/policy-engine/aibom/read'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'
import { readCycloneDx } from './aibom-cyclonedx.ts'
import type { AibomKey } from './aibom-keys.ts'
import { decodeExactly, type SignedPart, unsigned } from './aibom-signed-part.ts'

/**
 * Judges a bill of materials in the format `detached-jcs` or `cyclonedx-jsf` by the configured keys
 * alone: what a bill says of its own key is a hint. `aibom` is attacker-controlled; undefined and null
 * mean that there is none. The words in `reason` are those of docs/FORMATS.md.
 */
export function judgeAibom(aibom: JsonValue | undefined, keys: readonly AibomKey[]): AibomResult {
  if (aibom === undefined || aibom === null) return unsigned('absent', null)
  if (!isObject(aibom)) return unsigned('unsupported', 'not_an_object')
  const part = isCycloneDx(aibom) ? readCycloneDx(aibom) : readDetached(aibom)
  return 'status' in part ? part : judgeSignature(part, keys)
}

function readDetached(aibom: JsonObject): AibomResult | SignedPart {
  const { data, signature, key_id, ...others } = aibom
  if (!isObject(data)) return unsigned('unsupported', 'unknown_format')
  if (signature === undefined) return unsigned('unsupported', 'not_signed')
  if (Object.keys(others).length > 0) return unsigned('invalid', 'unknown_member')
  if (key_id !== undefined && typeof key_id !== 'string')
    return unsigned('invalid', 'malformed_key_id')
  return {
    format: 'detached-jcs',
    signed: data,
    signature: typeof signature === 'string' ? decodeSignature(signature) : null,
    keyId: key_id,
  }
}

/** 64 bytes from 128 hex digits, 88 characters of padded base64 or 86 of base64url; else null. */
function decodeSignature(text: string): Buffer | null {
  const encoding = ({ 128: 'hex', 88: 'base64', 86: 'base64url' } as const)[text.length]
  return encoding ? decodeExactly(text, encoding, 64) : null
}

function judgeSignature(part: SignedPart, keys: readonly AibomKey[]): AibomResult {
  const text = canonicalJson(part.signed)
  const result = (status: AibomResult['status'], reason: string | null): AibomResult => ({
    status,
    format: part.format,
    key_id: part.keyId ?? null,
    canonical_sha256: hash('sha256', text),
    reason,
  })
  const { signature, keyId, publicKey } = part
  if (!signature) return result('invalid', 'malformed_signature')
  const named = keyId === undefined ? keys : keys.filter(({ id }) => id === keyId)
  if (named.length === 0)
    return result('untrusted_key', keys.length === 0 ? 'no_keys_configured' : 'unknown_key_id')
  const candidates = publicKey ? named.filter(({ bytes }) => bytes.equals(publicKey)) : named
  if (candidates.length === 0) return result('untrusted_key', 'unknown_public_key')
  const message = Buffer.from(text)
  const signer = candidates.find(({ key }) => verifyEd25519(key, message, signature))
  return signer
    ? { ...result('verified', null), key_id: signer.id }
    : result('invalid', 'signature_mismatch')
}
