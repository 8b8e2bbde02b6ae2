import type { AuditReference, LineageRecord } from './lineage-types.ts'

/** The answer of a probe. */
export interface Ok {
  ok: true
}

/** The answer of `readyz` while nothing is missing. */
export interface Ready extends Ok {
  /** Of mcp-policy, where its folder holds policies that it did not take: since when, and what is wrong with them. */
  stale?: { since: string; errors: readonly string[] } | undefined
}

export interface Directory {
  services: string[]
  /** The address of each service under the host that was called. */
  directory: Record<string, string>
}

export interface RegisteredModel {
  status: 'ok'
  model_id: string
  lineage: LineageRecord
  audit: AuditReference
}
