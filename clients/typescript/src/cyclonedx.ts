import { type AibomResult, type SignedPart, unsigned } from './aibom-result.ts'
import { fromBase64Url } from './bytes.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'

const SPEC_VERSIONS: readonly unknown[] = ['1.5', '1.6', '1.7']
const MEMBERS = ['algorithm', 'keyId', 'publicKey']
/** Members of JSF 0.82 with which more than one signature, or less than the whole bill, is meant. */
const PARTIAL = ['signers', 'chain', 'excludes', 'certificatePath', 'extensions']
/** Three parts of base64url with dots between, RFC 7515 §7.1: what cdxgen wrote as the value before it wrote JSF. */
const COMPACT_JWS = /^[\w-]+\.[\w-]*\.[\w-]*$/

/**
 * Reads a CycloneDX bill with an enveloped signature (JSF 0.82): what is signed is the bill without the
 * member `value` of its signature. Variants of JSF that sign less, or more than once, are refused.
 */
export function judgeCycloneDx(bom: JsonObject): AibomResult | SignedPart {
  if (bom.bomFormat !== 'CycloneDX') return unsigned('unsupported', 'unknown_format')
  if (!SPEC_VERSIONS.includes(bom.specVersion)) {
    return unsigned('unsupported', 'spec_version_not_supported')
  }
  const hasSignedPart = isAnyPartSigned(bom)
  if (bom.signature === undefined) {
    return unsigned(
      'unsupported',
      hasSignedPart ? 'component_signature_not_supported' : 'not_signed',
    )
  }
  if (!isObject(bom.signature)) return unsigned('invalid', 'malformed_signature')
  const { value, ...signature } = bom.signature
  const partial = PARTIAL.find((name) => Object.hasOwn(signature, name))
  if (partial) return unsigned('unsupported', `${snakeCase(partial)}_not_supported`)
  if (typeof value === 'string' && COMPACT_JWS.test(value)) {
    return unsigned('unsupported', 'jws_not_supported')
  }
  if (signature.algorithm !== 'Ed25519') return unsigned('unsupported', 'algorithm_not_supported')
  if (Object.keys(signature).some((name) => !MEMBERS.includes(name))) {
    return unsigned('unsupported', 'unknown_member')
  }
  if (hasSignedPart) return unsigned('unsupported', 'component_signature_not_supported')
  const { keyId, publicKey } = signature
  if (keyId !== undefined && typeof keyId !== 'string') {
    return unsigned('invalid', 'malformed_key_id')
  }
  const embedded = publicKey === undefined ? undefined : jwkBytes(publicKey)
  if (typeof embedded === 'string') return unsigned('invalid', embedded)
  return {
    format: 'cyclonedx-jsf',
    signed: { ...bom, signature },
    signature: typeof value === 'string' && value.length === 86 ? fromBase64Url(value) : null,
    keyId,
    publicKey: embedded,
  }
}

/**
 * Whether anything inside the bill, such as a component or a service, is signed on its own: nobody would
 * check that signature. Keeps its own stack, because a bill may be deeper than the one of calls.
 */
function isAnyPartSigned(bom: JsonObject): boolean {
  const { signature: _whole, ...parts } = bom
  const stack: JsonValue[] = [parts]
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (isObject(part) && Object.hasOwn(part, 'signature')) return true
    if (typeof part !== 'object' || part === null) continue
    for (const inner of Object.values(part)) stack.push(inner)
  }
  return false
}

/** The 32 bytes of an Ed25519 key as a JWK (RFC 8037 §2), or the word for what is wrong with it. */
function jwkBytes(jwk: JsonValue): Uint8Array | string {
  if (!isObject(jwk)) return 'malformed_public_key'
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') return 'algorithm_confusion'
  if (Object.keys(jwk).length !== 3 || typeof jwk.x !== 'string') return 'malformed_public_key'
  const bytes = fromBase64Url(jwk.x)
  return bytes?.length === 32 ? bytes : 'malformed_public_key'
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
