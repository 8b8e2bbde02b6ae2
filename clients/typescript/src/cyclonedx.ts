import { type AibomResult, type SignedPart, unsigned } from './aibom-result.ts'
import { fromBase64Url } from './bytes.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'

const SPEC_VERSIONS: readonly unknown[] = ['1.5', '1.6', '1.7']
const MEMBERS = ['algorithm', 'keyId', 'publicKey', 'value']
/** Members of JSF 0.82 with which more than one signature, or less than the whole bill, is meant. */
const PARTIAL = ['signers', 'chain', 'excludes', 'certificatePath', 'extensions']

/**
 * Reads a CycloneDX bill with an enveloped signature (JSF 0.82): what is signed is the bill without the
 * member `value` of its signature. Variants of JSF that sign less, or more than once, are refused.
 */
export function judgeCycloneDx(bom: JsonObject): AibomResult | SignedPart {
  if (bom.bomFormat !== 'CycloneDX') return unsigned('unsupported', 'unknown_format')
  if (!SPEC_VERSIONS.includes(bom.specVersion)) {
    return unsigned('unsupported', 'spec_version_not_supported')
  }
  if (bom.signature === undefined) return unsigned('unsupported', 'not_signed')
  if (!isObject(bom.signature)) return unsigned('invalid', 'malformed_signature')
  const { value, ...signature } = bom.signature
  const partial = PARTIAL.find((name) => Object.hasOwn(signature, name))
  if (partial) return unsigned('unsupported', `${snakeCase(partial)}_not_supported`)
  if (signature.algorithm !== 'Ed25519') return unsigned('unsupported', 'algorithm_not_supported')
  if (Object.keys(signature).some((name) => !MEMBERS.includes(name))) {
    return unsigned('unsupported', 'unknown_member')
  }
  const { keyId, publicKey } = signature
  if (keyId !== undefined && typeof keyId !== 'string') {
    return unsigned('invalid', 'malformed_key_id')
  }
  const embedded = publicKey === undefined ? undefined : jwkBytes(publicKey)
  if (embedded === null) return unsigned('invalid', 'malformed_public_key')
  return {
    format: 'cyclonedx-jsf',
    signed: { ...bom, signature },
    signature: typeof value === 'string' && value.length === 86 ? fromBase64Url(value) : null,
    keyId,
    publicKey: embedded,
  }
}

/** The 32 bytes of an Ed25519 key as a JWK (RFC 8037 §2); null for anything else. */
function jwkBytes(jwk: JsonValue): Uint8Array | null {
  if (!isObject(jwk) || jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') return null
  if (Object.keys(jwk).length !== 3 || typeof jwk.x !== 'string') return null
  const bytes = fromBase64Url(jwk.x)
  return bytes?.length === 32 ? bytes : null
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
