import type { AibomPrivateKey } from './aibom-keys.ts'
import type { AibomFormat } from './aibom-result.ts'
import { toBase64Url, toBytes, toHex } from './bytes.ts'
import { canonicalJson } from './canonical-json.ts'
import { judgeCycloneDx } from './cyclonedx.ts'
import { signEd25519 } from './ed25519.ts'
import type { JsonObject } from './json.ts'

/**
 * A signed bill of materials.
 *
 * - `detached-jcs` (the default): `data` is any object, and the answer is `{ data, signature, key_id }`.
 * - `cyclonedx-jsf`: `data` is a CycloneDX 1.5–1.7 bill, and the answer is the same bill with a member
 *   `signature`; one that is there is replaced.
 *
 * Throws `TypeError` if `data` cannot be canonical JSON or is no CycloneDX bill where one is wanted, or one
 * of which a part is signed already.
 */
export function signAibom(
  data: JsonObject,
  key: AibomPrivateKey,
  options: { format?: AibomFormat } = {},
): JsonObject {
  const sign = (value: JsonObject) => signEd25519(key.seed, toBytes(canonicalJson(value)))
  if (options.format !== 'cyclonedx-jsf') {
    return { data, signature: toHex(sign(data)), key_id: key.publicKey.id }
  }
  const signature = {
    algorithm: 'Ed25519',
    keyId: key.publicKey.id,
    publicKey: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(key.publicKey.bytes) },
  }
  const unsignedBom = { ...data, signature }
  const part = judgeCycloneDx(unsignedBom)
  if ('status' in part)
    throw new TypeError(`no verifier would read it as CycloneDX: ${part.reason}`)
  return { ...data, signature: { ...signature, value: toBase64Url(sign(unsignedBom)) } }
}
