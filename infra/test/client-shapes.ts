// What the client calls its types is what the services answer and take: the compiler holds it (`npm run types`).
import type {
  ActivatedPolicies,
  AibomSubject,
  AuditEntry,
  AuditEvent,
  AuditVerdict,
  CheckpointQuery,
  Client,
  ConsistencyProof,
  Decision,
  Directory,
  Envelope,
  Erasure,
  ErasureGrounds,
  EventsQuery,
  ExportRange,
  GateQuestion,
  Hold,
  HoldOrder,
  InclusionProof,
  JudgedAibom,
  LineageRecord,
  LineageVerdict,
  Ok,
  PageQuery,
  Policies,
  Problem,
  ProvenEntry,
  Ready,
  RegisteredModel,
  Registration,
  Retention,
  RetentionOrder,
  RevisionsQuery,
  VerifyQuery,
} from '../../clients/typescript/src/index.ts'
import type { OkAnswer } from '../../services/common/src/answers.ts'
import type { ProblemAnswer } from '../../services/common/src/errors.ts'
import type * as audit from '../../services/mcp-audit/src/answers.ts'
import type * as auditAppends from '../../services/mcp-audit/src/append-routes.ts'
import type * as auditErasures from '../../services/mcp-audit/src/erasure-routes.ts'
import type * as auditReads from '../../services/mcp-audit/src/read-routes.ts'
import type * as auditTree from '../../services/mcp-audit/src/tree-routes.ts'
import type * as gateway from '../../services/mcp-gateway/src/answers.ts'
import type * as gate from '../../services/mcp-gateway/src/gate/gate-question.ts'
import type * as lineage from '../../services/mcp-lineage/src/answers.ts'
import type * as lineageRoutes from '../../services/mcp-lineage/src/routes.ts'
import type * as aibomRoutes from '../../services/mcp-policy/src/aibom-routes.ts'
import type * as policy from '../../services/mcp-policy/src/answers.ts'
import type * as policyRoutes from '../../services/mcp-policy/src/routes.ts'

/** What a zod schema lets through, and what it takes. */
type Out<S extends { _output: unknown }> = S['_output']
type In<S extends { _input: unknown }> = S['_input']
/** Shows an intersection as one object, so that it can be compared. */
type Flat<T> = { [K in keyof T]: T[K] }
/** True only where two types are the same for the compiler, optional and readonly members included. */
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `npm run types` fails at a line that is not true. Queries travel as text, so their names are compared. */
type SameShapes = [
  Equal<Ok, Out<typeof OkAnswer>>,
  Equal<Ready, Out<typeof policy.ReadyAnswer>>,
  Equal<Problem, Out<typeof ProblemAnswer>>,
  Equal<AuditEntry, Out<typeof audit.EntryAnswer>>,
  Equal<AuditEntry[], Out<typeof audit.EventsAnswer>>,
  Equal<AuditVerdict, Out<typeof audit.VerdictAnswer>>,
  Equal<InclusionProof, Out<typeof audit.InclusionAnswer>>,
  Equal<ConsistencyProof, Out<typeof audit.ConsistencyAnswer>>,
  Equal<Flat<ProvenEntry>, Out<typeof audit.ProvenEntryAnswer>>,
  Equal<Erasure, Out<typeof audit.ErasureAnswer>>,
  Equal<Flat<Retention>, Out<typeof audit.RetentionAnswer>>,
  Equal<Hold, Out<typeof audit.HoldAnswer>>,
  Equal<Hold[], Out<typeof audit.HoldsAnswer>>,
  Equal<LineageRecord, Out<typeof lineage.RecordAnswer>>,
  Equal<LineageRecord[], Out<typeof lineage.RecordsAnswer>>,
  Equal<LineageVerdict, Out<typeof lineage.VerdictAnswer>>,
  Equal<Decision, Out<typeof policy.DecisionAnswer>>,
  Equal<Policies, Out<typeof policy.PoliciesAnswer>>,
  Equal<ActivatedPolicies, Out<typeof policy.ActivatedPoliciesAnswer>>,
  Equal<JudgedAibom, Out<typeof policy.AibomAnswer>>,
  Equal<AibomSubject, Omit<In<typeof aibomRoutes.VerifyAibomBody>, 'aibom'>>,
  Equal<Directory, Out<typeof gateway.DirectoryAnswer>>,
  Equal<
    RegisteredModel,
    Flat<Omit<Out<typeof gateway.RegisteredAnswer>, 'lineage'> & { lineage: LineageRecord }>
  >,
  Equal<AuditEvent, In<typeof auditAppends.EventBody>>,
  Equal<Envelope, Out<typeof audit.EnvelopeAnswer>>,
  Equal<GateQuestion, In<typeof gate.GateBody>>,
  Equal<'proof', keyof In<typeof gate.GateQuery>>,
  Equal<AuditEvent[], In<typeof auditAppends.BatchBody>['events']>,
  Equal<ErasureGrounds, In<typeof auditErasures.EraseBody>>,
  Equal<Flat<RetentionOrder>, In<typeof auditErasures.RetentionBody>>,
  Equal<HoldOrder, In<typeof auditErasures.HoldBody>>,
  Equal<Registration, In<typeof lineageRoutes.RegisterBody>>,
  Equal<
    Parameters<Client['policy']['validate']>[0],
    In<typeof policyRoutes.ValidateBody>['payload']
  >,
  Equal<keyof EventsQuery, keyof In<typeof auditReads.EventsQuery>>,
  Equal<keyof ExportRange | 'fmt', keyof In<typeof auditReads.ExportQuery>>,
  Equal<keyof VerifyQuery, keyof In<typeof auditReads.VerifyQuery>>,
  Equal<keyof PageQuery, keyof In<typeof auditErasures.HoldsQuery>>,
  Equal<'proof', keyof In<typeof auditAppends.LogQuery>>,
  Equal<keyof CheckpointQuery, keyof In<typeof auditTree.CheckpointQuery>>,
  Equal<'id' | 'size', keyof In<typeof auditTree.InclusionQuery>>,
  Equal<'from' | 'to', keyof In<typeof auditTree.ConsistencyQuery>>,
  Equal<keyof VerifyQuery, keyof In<typeof lineageRoutes.VerifyQuery>>,
  Equal<keyof RevisionsQuery, keyof In<typeof lineageRoutes.RevisionsQuery>>,
  Equal<keyof RevisionsQuery | 'model_id', keyof In<typeof lineageRoutes.LineageQuery>>,
  Equal<keyof PageQuery, keyof In<typeof lineageRoutes.ModelsQuery>>,
]
type AllTrue<T extends boolean[]> = T[number] extends true ? true : false
function assertTypes<_Facts extends true>(): void {}
assertTypes<AllTrue<SameShapes>>()
