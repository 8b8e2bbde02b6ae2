import type { AibomPublicKey } from './aibom-keys.ts'
import { type AibomResult, type SignedPart, unsigned } from './aibom-result.ts'
import { fromBase64, fromBase64Url, fromHex, sha256Hex, toBase64Url, toBytes } from './bytes.ts'
import { canonicalJson } from './canonical-json.ts'
import { judgeCycloneDx } from './cyclonedx.ts'
import { verifyEd25519 } from './ed25519.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'

/**
 * Judges a bill of materials in the format `detached-jcs` or `cyclonedx-jsf` by the given keys alone:
 * what a bill says of its own key is a hint. Undefined and null mean that there is none.
 *
 * `aibom` may come from anybody and should have been read by `parseJson`, because `JSON.parse` hides
 * names that occur twice. Never throws for what the bill says.
 */
export function verifyAibom(
  aibom: JsonValue | undefined,
  publicKeys: readonly AibomPublicKey[],
): AibomResult {
  if (aibom === undefined || aibom === null) return unsigned('absent', null)
  if (!isObject(aibom)) return unsigned('unsupported', 'not_an_object')
  const part = Object.hasOwn(aibom, 'bomFormat') ? judgeCycloneDx(aibom) : judgeDetached(aibom)
  return 'status' in part ? part : judgeSignature(part, publicKeys)
}

function judgeDetached(aibom: JsonObject): AibomResult | SignedPart {
  const { data, signature, key_id, ...others } = aibom
  if (!isObject(data)) return unsigned('unsupported', 'unknown_format')
  if (signature === undefined) return unsigned('unsupported', 'not_signed')
  if (Object.keys(others).length > 0) return unsigned('invalid', 'unknown_member')
  if (key_id !== undefined && typeof key_id !== 'string') {
    return unsigned('invalid', 'malformed_key_id')
  }
  return {
    format: 'detached-jcs',
    signed: data,
    signature: typeof signature === 'string' ? decodeSignature(signature) : null,
    keyId: key_id,
  }
}

/** 128 hex digits, 88 characters of padded base64 or 86 of base64url. */
function decodeSignature(text: string): Uint8Array | null {
  if (text.length === 128) return fromHex(text)
  const bytes =
    text.length === 88 ? fromBase64(text) : text.length === 86 ? fromBase64Url(text) : null
  return bytes?.length === 64 ? bytes : null
}

function judgeSignature(part: SignedPart, keys: readonly AibomPublicKey[]): AibomResult {
  let text: string
  try {
    text = canonicalJson(part.signed)
  } catch {
    // Only a value that was not read from strict JSON gets here.
    return unsigned('invalid', 'not_canonicalizable')
  }
  const result = (status: AibomResult['status'], reason: string | null): AibomResult => ({
    status,
    format: part.format,
    key_id: part.keyId ?? null,
    canonical_sha256: sha256Hex(text),
    reason,
  })
  const { signature, keyId, publicKey } = part
  if (!signature) return result('invalid', 'malformed_signature')
  const named = keyId === undefined ? keys : keys.filter(({ id }) => id === keyId)
  if (named.length === 0) {
    return result('untrusted_key', keys.length === 0 ? 'no_keys_configured' : 'unknown_key_id')
  }
  const candidates = publicKey ? named.filter(({ bytes }) => isSame(bytes, publicKey)) : named
  if (candidates.length === 0) return result('untrusted_key', 'unknown_public_key')
  const message = toBytes(text)
  const signer = candidates.find(({ bytes }) => verifyEd25519(bytes, message, signature))
  return signer
    ? { ...result('verified', null), key_id: signer.id }
    : result('invalid', 'signature_mismatch')
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return toBase64Url(a) === toBase64Url(b)
}
