import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { isObject } from '@ai-governance/policy-engine/aibom/read'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'
import { decodeExactly, type SignedPart, unsigned } from './aibom-signed-part.ts'

const SPEC_VERSIONS: readonly unknown[] = ['1.5', '1.6', '1.7']
/** The members of a plain JSF signature but for `value`. */
const MEMBERS = ['algorithm', 'keyId', 'publicKey']
/** Members of JSF 0.82 that mean less than the whole bill, more than one signature, or another trust. */
const PARTIAL = {
  signers: 'signers_not_supported',
  chain: 'chain_not_supported',
  excludes: 'excludes_not_supported',
  certificatePath: 'certificate_path_not_supported',
  extensions: 'extensions_not_supported',
}
/** JWS in compact form (RFC 7515 §7.1), which older cdxgen writes into `value`. */
const COMPACT_JWS = /^[\w-]+\.[\w-]*\.[\w-]*$/

/**
 * Reads a CycloneDX bill with an enveloped signature (JSF 0.82): what is signed is the bill without the
 * member `value` of its signature. `bom` is attacker-controlled. Variants of JSF that sign less or more
 * than once are refused, so that "verified" always means every member of the bill.
 */
export function readCycloneDx(bom: JsonObject): AibomResult | SignedPart {
  if (bom.bomFormat !== 'CycloneDX') return unsigned('unsupported', 'unknown_format')
  if (!SPEC_VERSIONS.includes(bom.specVersion))
    return unsigned('unsupported', 'spec_version_not_supported')
  const partsAreSigned = hasSignedPart(bom)
  if (bom.signature === undefined)
    return unsigned(
      'unsupported',
      partsAreSigned ? 'component_signature_not_supported' : 'not_signed',
    )
  if (!isObject(bom.signature)) return unsigned('invalid', 'malformed_signature')
  const { value, ...signature } = bom.signature
  const shape = shapeNotSupported(signature, value)
  if (shape) return unsigned('unsupported', shape)
  if (partsAreSigned) return unsigned('unsupported', 'component_signature_not_supported')
  const { keyId, publicKey } = signature
  if (keyId !== undefined && typeof keyId !== 'string')
    return unsigned('invalid', 'malformed_key_id')
  const embedded = publicKey === undefined ? undefined : readJwk(publicKey)
  if (typeof embedded === 'string') return unsigned('invalid', embedded)
  return {
    format: 'cyclonedx-jsf',
    signed: { ...bom, signature },
    signature: typeof value === 'string' ? decodeExactly(value, 'base64url', 64) : null,
    keyId,
    publicKey: embedded,
  }
}

/** Why a signature is of a shape that is not read, as a word. */
function shapeNotSupported(signature: JsonObject, value: JsonValue | undefined): string | null {
  for (const [name, reason] of Object.entries(PARTIAL)) {
    if (Object.hasOwn(signature, name)) return reason
  }
  if (typeof value === 'string' && COMPACT_JWS.test(value)) return 'jws_not_supported'
  if (signature.algorithm !== 'Ed25519') return 'algorithm_not_supported'
  return Object.keys(signature).every((name) => MEMBERS.includes(name)) ? null : 'unknown_member'
}

/**
 * Whether a component, a service or another part of the bill carries a signature of its own. Nobody
 * would check it, and a reader of the bill might think that somebody has. Walks without recursion.
 */
function hasSignedPart(bom: JsonObject): boolean {
  const open: JsonValue[] = []
  for (const [name, value] of Object.entries(bom)) if (name !== 'signature') open.push(value)
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if (isObject(value) && Object.hasOwn(value, 'signature')) return true
    for (const part of Object.values(value)) open.push(part)
  }
  return false
}

/** The 32 bytes of an Ed25519 key as a JWK (RFC 8037 §2), or why they cannot be had, as a word. */
function readJwk(jwk: JsonValue): Buffer | string {
  if (!isObject(jwk)) return 'malformed_public_key'
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') return 'algorithm_confusion'
  if (Object.keys(jwk).length !== 3 || typeof jwk.x !== 'string') return 'malformed_public_key'
  return decodeExactly(jwk.x, 'base64url', 32) ?? 'malformed_public_key'
}
