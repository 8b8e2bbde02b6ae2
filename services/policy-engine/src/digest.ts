import { createHash } from 'node:crypto'
import { canonicalJson, type JsonValue } from '@ai-governance/common/canonical-json'

/**
 * Identifies a policy set: `sha256:` and the hex SHA-256 over the canonical JSON (RFC 8785) of the
 * parsed files, sorted by name. Comments, layout and the order in which files are given do not
 * matter; `semantics` rises when the engine judges the same text differently.
 */
export function policyDigest(files: readonly { name: string; content: JsonValue }[]): string {
  const sorted = files
    .map(({ name, content }) => ({ name, content }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const text = canonicalJson({ semantics: 1, files: sorted })
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
