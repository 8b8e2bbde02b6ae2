export { verifyAibom } from './aibom.ts'
export {
  AibomKeyError,
  type AibomKeyPair,
  type AibomPrivateKey,
  type AibomPublicKey,
  aibomPublicKeyPem,
  generateAibomKeyPair,
  readAibomPrivateKey,
  readAibomPublicKeys,
} from './aibom-keys.ts'
export type { AibomFormat, AibomResult } from './aibom-result.ts'
export { signAibom } from './aibom-sign.ts'
export type { AuditApi } from './audit.ts'
export type {
  AuditEntry,
  AuditEvent,
  AuditVerdict,
  EventsQuery,
  ExportFormat,
  ExportRange,
  VerifyQuery,
} from './audit-types.ts'
export type { Page, Query } from './calls.ts'
export { canonicalJson } from './canonical-json.ts'
export { type Client, createClient } from './client.ts'
export {
  type ClientErrorCode,
  type ErrorCode,
  type ErrorItem,
  GovernanceError,
  type Problem,
  type ServiceErrorCode,
} from './errors.ts'
export type { GatewayApi } from './gateway.ts'
export type { Directory, Ok, RegisteredModel } from './gateway-types.ts'
export type { JsonObject, JsonValue } from './json.ts'
export { JsonTextError, parseJson } from './json-text.ts'
export type { LineageApi } from './lineage.ts'
export type {
  AuditReference,
  LineageRecord,
  LineageVerdict,
  PageQuery,
  Parent,
  Registration,
  RevisionsQuery,
} from './lineage-types.ts'
export type { PolicyApi } from './policy.ts'
export type {
  Because,
  Decision,
  Explanation,
  JudgedAibom,
  Outcome,
  Policies,
  Scalar,
} from './policy-types.ts'
export type { CallOptions, ClientOptions, QueryValue } from './transport.ts'
export { type ExportVerdict, type VerifyExportOptions, verifyExport } from './verify-export.ts'
