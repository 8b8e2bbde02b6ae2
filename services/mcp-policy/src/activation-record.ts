import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { wireTime } from '@ai-governance/common/answers'
import { canonicalJson } from '@ai-governance/common/formats/canonical-json'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import { SEMANTICS } from '@ai-governance/policy-engine/digest'
import { z } from 'zod'
import type { ActivePolicies } from './activation.ts'
import type { AibomKey } from './aibom-keys.ts'

/** The event type of the entry that says which rules are in force from now on; its subject is the digest. */
export const ACTIVATED = 'policy.activated'

export const policyDigestText = z.string().regex(/^sha256:[0-9a-f]{64}$/)

/** The details of such an entry: all that a decision depends on beside its input and its clock. */
export const ActivationDetails = z.object({
  name: z.string(),
  version: z.string(),
  digest: policyDigestText,
  semantics: z.int(),
  /** The text of each file that the digest is about, sorted by name; lines of explanations are lines of these. */
  files: z.array(z.strictObject({ name: z.string(), content: z.string() })),
  /** The keys that bills of materials were verified with: key id, SPKI in PEM. */
  aibom_keys: z.array(z.strictObject({ id: z.string(), public_key: z.string() })),
  aibom_required: z.boolean(),
  gate_sla_ms: z.int(),
  /** When it became active at the first service that recorded it. */
  activated_at: wireTime,
})
export type ActivationDetails = z.infer<typeof ActivationDetails>

/** What decides beside the policies, for as long as the process lives. */
export interface Settings {
  keys: readonly AibomKey[]
  aibomRequired: boolean
  slaMs: number
}

export function activationDetails(active: ActivePolicies, settings: Settings): ActivationDetails {
  const { set, files, loadedAt } = active
  const hashed = new Set([...set.layers.map(({ file }) => file), set.risk.file])
  return {
    name: set.name,
    version: set.version,
    digest: set.digest,
    semantics: SEMANTICS,
    files: files
      .filter(({ name }) => hashed.has(name))
      .map(({ name, content }) => ({ name, content })),
    aibom_keys: settings.keys.map(({ id, key }) => ({
      id,
      public_key: key.export({ format: 'pem', type: 'spki' }).toString(),
    })),
    aibom_required: settings.aibomRequired,
    gate_sla_ms: settings.slaMs,
    activated_at: formatMicroseconds(loadedAt.getTime() * 1000),
  }
}

/** Whether two say the same but for the moment. A changed comment makes another: it moves the lines. */
export function isSameActivation(a: ActivationDetails, b: ActivationDetails): boolean {
  return isDeepStrictEqual(withoutMoment(a), withoutMoment(b))
}

/**
 * The key under which an activation is recorded. Made from what became active and the entry that was the
 * newest before, so that replicas that see one change at once make one entry of it, and going back to an
 * older set makes another.
 *
 * @param after the id of the newest entry of this type, 0 if there is none
 */
export function activationKey(details: ActivationDetails, after: number): string {
  return `${ACTIVATED}:${hash('sha256', canonicalJson(withoutMoment(details)))}:${after}`
}

function withoutMoment({ activated_at, ...others }: ActivationDetails) {
  return others
}
