import type { AuditReference, LineageRecord } from './lineage-types.ts'

/** The answer of a probe. */
export interface Ok {
  ok: true
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
