import { hash } from 'node:crypto'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '@ai-governance/common/formats/canonical-json'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import { randomText } from '@ai-governance/common/random-bytes'

/** What a registration says. `parents` are models by id and version, or datasets by name. */
export interface Registration {
  model_id: string
  version: string
  created_by: string
  artifacts: string[]
  parents: ({ model_id: string; version: string } | { dataset: string })[]
  metadata: JsonObject
  aibom: JsonObject | null
}

/** A registration on its way to the database, with the salt (hex) of its entry, who asks, and under which key. */
export interface StoredRegistration extends ReturnType<typeof storedForm> {
  actor: string
  request_id: string
  key: string | null
}

/** A revision as stored: parents, metadata and aibom as canonical JSON text, hashes in hex. */
export interface LineageRecord {
  id: number
  model_id: string
  version: string
  revision: number
  artifacts: string[]
  created_by: string
  metadata: string
  aibom: string | null
  parents: string
  created_at_us: number
  record_hash: string
  audit_id: number
  audit_entry_hash: string
}

/** SHA256 of the canonical record, docs/FORMATS.md. Parents, metadata and aibom as canonical text. */
export function recordHash(
  record: Pick<
    LineageRecord,
    'model_id' | 'version' | 'created_by' | 'artifacts' | 'parents' | 'metadata' | 'aibom'
  >,
): string {
  const aibomHash = record.aibom === null ? null : hash('sha256', record.aibom)
  return hash(
    'sha256',
    `{"aibom_sha256":${JSON.stringify(aibomHash)},"artifacts":${canonicalJson(record.artifacts)}` +
      `,"created_by":${JSON.stringify(record.created_by)},"metadata":${record.metadata}` +
      `,"model_id":${JSON.stringify(record.model_id)},"parents":${record.parents}` +
      `,"v":1,"version":${JSON.stringify(record.version)}}`,
  )
}

/** The details of the entry that attests a revision, as canonical text. */
export function registeredDetails(record: Pick<LineageRecord, 'record_hash' | 'revision'>): string {
  return `{"record_hash":"${record.record_hash}","revision":${record.revision}}`
}

/** Canonical texts of the parts that are stored as JSON, and a fresh salt for the entry, in hex. */
export function storedForm(registration: Registration) {
  return {
    ...registration,
    parents: canonicalJson(registration.parents as JsonValue),
    metadata: canonicalJson(registration.metadata),
    aibom: registration.aibom && canonicalJson(registration.aibom),
    salt: randomText(16, 'hex'),
  }
}

/** The record on the wire. The stored texts go out byte for byte. */
export function recordJson(record: LineageRecord): string {
  return (
    `{"id":${record.id},"model_id":${JSON.stringify(record.model_id)}` +
    `,"version":${JSON.stringify(record.version)},"revision":${record.revision}` +
    `,"artifacts":${JSON.stringify(record.artifacts)},"created_by":${JSON.stringify(record.created_by)}` +
    `,"metadata":${record.metadata},"aibom":${record.aibom},"parents":${record.parents}` +
    `,"created_at":"${formatMicroseconds(record.created_at_us)}","record_hash":"${record.record_hash}"` +
    `,"audit":{"id":${record.audit_id},"entry_hash":"${record.audit_entry_hash}"}}`
  )
}
