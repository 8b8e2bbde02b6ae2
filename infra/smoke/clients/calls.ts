import type { Client } from '../../../clients/typescript/src/index.ts'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'

/** One call as curl, the TypeScript client and the Python client make it. */
export interface SameCall {
  path: string
  /** Without it the call is a GET. */
  body?: unknown
  typescript(client: Client): Promise<unknown>
  python: { method: string; args?: unknown[]; kwargs?: Record<string, unknown> }
  /** The code of the error that all three are to see; without it, an answer. */
  code?: string
}

const model = { model_id: 'same/answers é😀', version: '1.0.0', created_by: 'smoke' }
const artifacts = ['sha256:aa', 'sha256:bb']
const metadata = { n: 1.5e-7, deep: { list: [1, null, 'x'] } }
const payload = EXAMPLE_PAYLOAD
const { risk: _, ...riskless } = payload
const event = { event_type: 'smoke.same', subject: 'é😀 "x"', decision: true, details: metadata }
const batch = [event, { ...event, decision: false }]
const hold = { subject: 'same/held', reason: 'a lawsuit' }
const grounds = { reason: 'asked for', legal_basis: 'GDPR Art. 17' }
const before = '2020-01-01T00:00:00Z'
const reserved = { ...event, event_type: 'audit.mine' }
const encoded = encodeURIComponent(model.model_id)

export const sameCalls: SameCall[] = [
  {
    path: '/mcp',
    typescript: (client) => client.gateway.directory(),
    python: { method: 'services' },
  },
  {
    path: '/mcp-lineage/register',
    body: { ...model, artifacts, metadata },
    typescript: (client) => client.lineage.register({ ...model, artifacts, metadata }),
    python: { method: 'register', args: Object.values(model), kwargs: { artifacts, metadata } },
  },
  {
    path: '/mcp-lineage/register',
    body: { ...model, artifacts: ['sha256:other'] },
    typescript: (client) => client.lineage.register({ ...model, artifacts: ['sha256:other'] }),
    python: {
      method: 'register',
      args: Object.values(model),
      kwargs: { artifacts: ['sha256:other'] },
    },
    code: 'artifacts_conflict',
  },
  {
    path: `/mcp-lineage/lineage?model_id=${encoded}&limit=2`,
    typescript: async (client) =>
      (await client.lineage.revisionsPage(model.model_id, { limit: 2 })).items,
    python: { method: 'lineage', args: [model.model_id], kwargs: { limit: 2 } },
  },
  {
    path: '/mcp-lineage/lineage?model_id=nobody',
    typescript: async (client) => (await client.lineage.revisionsPage('nobody')).items,
    python: { method: 'lineage', args: ['nobody'] },
  },
  {
    path: '/mcp-lineage/models',
    typescript: async (client) => (await client.lineage.modelsPage()).items,
    python: { method: 'models' },
  },
  {
    path: '/mcp-policy/validate',
    body: { payload },
    typescript: (client) => client.policy.validate(payload),
    python: { method: 'validate', args: [payload] },
  },
  {
    path: '/mcp-policy/validate',
    body: { payload: riskless },
    typescript: (client) => client.policy.validate(riskless),
    python: { method: 'validate', args: [riskless] },
  },
  {
    path: '/mcp-policy/validate',
    body: { payload: [] },
    typescript: (client) => client.policy.validate([] as never),
    python: { method: 'validate', args: [[]] },
    code: 'invalid_request',
  },
  {
    path: '/mcp-policy/policies',
    typescript: (client) => client.policy.policies(),
    python: { method: 'policies' },
  },
  {
    path: '/mcp-audit/log',
    body: event,
    typescript: (client) => client.audit.log(event),
    python: { method: 'log', args: Object.values(event) },
  },
  {
    path: '/mcp-audit/log',
    body: reserved,
    typescript: (client) => client.audit.log(reserved),
    python: { method: 'log', args: Object.values(reserved) },
    code: 'event_type_reserved',
  },
  {
    path: '/mcp-audit/log',
    body: { ...event, decision: 'yes', event_type: '' },
    typescript: (client) =>
      client.audit.log({ ...event, decision: 'yes' as never, event_type: '' }),
    python: { method: 'log', args: ['', event.subject, 'yes', metadata] },
    code: 'invalid_request',
  },
  {
    path: '/mcp-audit/events?limit=3&event_type=smoke.same&decision=true',
    typescript: async (client) =>
      (await client.audit.eventsPage({ limit: 3, event_type: 'smoke.same', decision: true })).items,
    python: { method: 'events', kwargs: { limit: 3, event_type: 'smoke.same', decision: true } },
  },
  {
    path: '/mcp-audit/events?limit=0',
    typescript: (client) => client.audit.eventsPage({ limit: 0 }),
    python: { method: 'events', kwargs: { limit: 0 } },
    code: 'invalid_request',
  },
  {
    path: '/mcp-audit/events/1',
    typescript: (client) => client.audit.event(1),
    python: { method: 'event', args: [1] },
  },
  {
    path: '/mcp-audit/events/999999999',
    typescript: (client) => client.audit.event(999_999_999),
    python: { method: 'event', args: [999_999_999] },
    code: 'not_found',
  },
  {
    path: '/mcp-audit/log?proof=true',
    body: event,
    typescript: (client) => client.audit.log(event, { proof: true }),
    python: { method: 'log', args: Object.values(event), kwargs: { proof: true } },
  },
  {
    path: '/mcp-audit/log/batch',
    body: { events: batch },
    typescript: (client) => client.audit.logBatch(batch),
    python: { method: 'log_batch', args: [batch] },
  },
  {
    path: '/mcp-audit/log/batch',
    body: { events: [event, reserved] },
    typescript: (client) => client.audit.logBatch([event, reserved]),
    python: { method: 'log_batch', args: [[event, reserved]] },
    code: 'event_type_reserved',
  },
  {
    path: '/mcp-audit/holds',
    body: hold,
    typescript: (client) => client.audit.hold(hold),
    python: { method: 'hold', kwargs: hold },
  },
  {
    path: '/mcp-audit/holds',
    typescript: async (client) => (await client.audit.holdsPage()).items,
    python: { method: 'holds' },
  },
  {
    path: '/mcp-audit/holds/999999999/release',
    body: { reason: 'it is over' },
    typescript: (client) => client.audit.release(999_999_999, 'it is over'),
    python: { method: 'release', args: [999_999_999, 'it is over'] },
    code: 'not_found',
  },
  {
    // The entry of the registration above, where the log was empty before.
    path: '/mcp-audit/events/1/erase',
    body: grounds,
    typescript: (client) => client.audit.erase(1, grounds),
    python: { method: 'erase', args: [1], kwargs: grounds },
    code: 'never_erased',
  },
  {
    path: '/mcp-audit/retention',
    body: { before, ...grounds },
    typescript: (client) => client.audit.retention({ before, ...grounds }),
    python: { method: 'retention', args: [before], kwargs: grounds },
  },
  {
    path: '/mcp-audit/checkpoint',
    typescript: (client) => client.audit.checkpoint(),
    python: { method: 'checkpoint' },
  },
  {
    path: '/mcp-audit/proof/inclusion?id=2',
    typescript: (client) => client.audit.inclusionProof(2),
    python: { method: 'inclusion_proof', args: [2] },
  },
  {
    path: '/mcp-audit/proof/inclusion?id=999999999',
    typescript: (client) => client.audit.inclusionProof(999_999_999),
    python: { method: 'inclusion_proof', args: [999_999_999] },
    code: 'not_found',
  },
  {
    path: '/mcp-audit/proof/consistency?from=3',
    typescript: (client) => client.audit.consistencyProof(3),
    python: { method: 'consistency_proof', args: [3] },
  },
  {
    path: '/mcp-audit/verify?from_id=1&limit=2',
    typescript: (client) => client.audit.verify({ from_id: 1, limit: 2 }),
    python: { method: 'verify_step', args: ['mcp-audit', 1, 2] },
  },
  {
    path: '/mcp-lineage/verify',
    typescript: (client) => client.lineage.verify(),
    python: { method: 'verify_step', args: ['mcp-lineage'] },
  },
]
