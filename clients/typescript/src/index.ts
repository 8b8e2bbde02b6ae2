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
export type { AuditApi, LogOptions } from './audit.ts'
export type {
  AuditEntry,
  AuditEvent,
  AuditVerdict,
  CheckpointQuery,
  ConsistencyProof,
  Erasure,
  ErasureGrounds,
  EventsQuery,
  ExportFormat,
  ExportRange,
  Hold,
  HoldOrder,
  InclusionProof,
  ProvenEntry,
  Retention,
  RetentionOrder,
  VerifyQuery,
} from './audit-types.ts'
export type { Page, Query } from './calls.ts'
export { canonicalJson } from './canonical-json.ts'
export { type Checkpoint, readCheckpoint, type SignedCheckpoint, splitNotes } from './checkpoint.ts'
export { type Client, createClient } from './client.ts'
export type { Token } from './credentials.ts'
export {
  type ClientErrorCode,
  type ErrorCode,
  type ErrorItem,
  GovernanceError,
  type Problem,
  type ServiceErrorCode,
} from './errors.ts'
export type { GivenTexts, Signature } from './evidence.ts'
export type { ExportVerdict, Result } from './export-verdict.ts'
export type {
  Envelope,
  GateAnswer,
  GateQuestion,
  ProvenGateAnswer,
} from './gate-types.ts'
export type { GateOptions, GatewayApi } from './gateway.ts'
export type { Directory, Ok, Ready, RegisteredModel } from './gateway-types.ts'
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
  ActivatedPolicies,
  AibomSubject,
  Because,
  Decision,
  Explanation,
  JudgedAibom,
  Outcome,
  Policies,
  RiskPart,
  Scalar,
} from './policy-types.ts'
export { verifyConsistencyProof, verifyInclusionProof } from './proofs.ts'
export { type ReceiptVerdict, verifyReceipt } from './receipt.ts'
export {
  cosignedAt,
  isSignedBy,
  type KeyType,
  NoteError,
  type NoteSignature,
  readNote,
  readVerifierKey,
  type SignedNote,
  type VerifierKey,
} from './signed-note.ts'
export type { CallOptions, ClientOptions, KeyedOptions, QueryValue } from './transport.ts'
export { type VerifyExportOptions, verifyExport } from './verify-export.ts'
export { type VerificationSummary, verifyVsa } from './vsa.ts'
