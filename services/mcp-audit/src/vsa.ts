import type { AuditEntry } from '@ai-governance/common/formats/audit-entry'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import type { GateDetails } from './gate-decision.ts'

/** The type of the payload of the envelope, and of the two parts of it. */
export const IN_TOTO = 'application/vnd.in-toto+json'
const STATEMENT = 'https://in-toto.io/Statement/v1'
const SUMMARY = 'https://slsa.dev/verification_summary/v1'
/** Names of ours: URIs that identify and lead nowhere. */
const OURS = 'urn:ai-governance'
/**
 * A summary names all artifacts or none, each with the entry's subject: of the 110,000 digests that a payload holds it
 * would be 300 MB of text, and take the process with it.
 */
export const MAX_SUBJECTS = 1_000
/** The level of a decision that allows. Those of SLSA begin with `SLSA_`, and this says nothing of them. */
const POLICY_PASSED = 'AI_GOVERNANCE_POLICY_PASSED'

/** Algorithms of artifact digests, and what in-toto calls each. Longer and shorter ones bind nothing here. */
const ALGORITHMS: Readonly<Record<string, { name: string; hexDigits: number }>> = {
  sha256: { name: 'sha256', hexDigits: 64 },
  sha384: { name: 'sha384', hexDigits: 96 },
  sha512: { name: 'sha512', hexDigits: 128 },
  'sha3-256': { name: 'sha3_256', hexDigits: 64 },
  'sha3-384': { name: 'sha3_384', hexDigits: 96 },
  'sha3-512': { name: 'sha3_512', hexDigits: 128 },
}

/** The artifacts of a decision that are digests such as `sha256:<hex>`, each once, as in-toto writes them. */
export function digestsOf(artifacts: readonly string[]): Record<string, string>[] {
  return [...new Set(artifacts)].flatMap((artifact) => {
    const [, algorithm = '', hex = ''] = /^([a-z0-9-]+):([0-9a-f]+)$/.exec(artifact) ?? []
    const known = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined
    return known?.hexDigits === hex.length ? [{ [known.name]: hex }] : []
  })
}

/**
 * The SLSA Verification Summary (v1) of a decision of the gate, in an in-toto Statement (v1): its canonical text, the
 * same for an entry every time. Made of what is on record and of nothing else.
 *
 * @param origin the name of the log
 * @param digests of the artifacts; at least one
 */
export function summaryText(
  origin: string,
  entry: AuditEntry,
  { decision }: GateDetails,
  digests: readonly Record<string, string>[],
): string {
  const { subject } = entry
  const { policy, aibom } = decision
  const statement = {
    _type: STATEMENT,
    subject: digests.map((digest) => ({ name: subject, digest })),
    predicateType: SUMMARY,
    predicate: {
      verifier: { id: verifierId(origin) },
      timeVerified: decision.evaluated_at,
      resourceUri: `${OURS}:subject:${encodeURIComponent(subject)}`,
      policy: {
        uri: `${OURS}:policy:${encodeURIComponent(`${policy.name}@${policy.version}`)}`,
        digest: { sha256: policy.digest.slice('sha256:'.length) },
      },
      inputAttestations:
        aibom.status === 'verified' && aibom.bound === true && aibom.canonical_sha256 !== null
          ? [{ uri: `${OURS}:aibom`, digest: { sha256: aibom.canonical_sha256 } }]
          : [],
      verificationResult: entry.decision ? 'PASSED' : 'FAILED',
      verifiedLevels: [entry.decision ? POLICY_PASSED : 'FAILED'],
      [`${OURS}:entry`]: {
        id: entry.id,
        entry_hash: entry.entry_hash,
        decision_id: decision.decision_id,
        input_digest: decision.input_digest,
      },
    },
  }
  return canonicalJson(statement as unknown as JsonObject)
}

/** The log as a URI: who pins its key pins this too. */
function verifierId(origin: string): string {
  return `${OURS}:log:${encodeURIComponent(origin)}`
}
