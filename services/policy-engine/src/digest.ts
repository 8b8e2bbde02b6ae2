import { createHash } from 'node:crypto'
import { canonicalJson, type JsonValue } from '@ai-governance/common/formats/canonical-json'

/** Rises when the engine, or the reading of bills for it, judges the same text differently. */
export const SEMANTICS = 1

/**
 * Identifies a policy set: `sha256:` and the hex SHA-256 over the canonical JSON (RFC 8785) of the
 * parsed files, sorted by name. Comments, layout and the order in which files are given do not
 * matter.
 */
export function policyDigest(files: readonly { name: string; content: JsonValue }[]): string {
  const sorted = files
    .map(({ name, content }) => ({ name, content }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const text = canonicalJson({ semantics: SEMANTICS, files: sorted })
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
