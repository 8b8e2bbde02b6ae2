import { HoldsQuery } from '../../../services/mcp-audit/src/erasure-routes.ts'
import { json, listOf, type Operations } from '../operation.ts'
import { DATABASE } from './shared.ts'

const GROUNDS = { reason: 'asked by the person concerned', legal_basis: 'GDPR Art. 17' }

/** Erasure, legal holds, retention. */
export const AUDIT_ERASURE: Operations = {
  'POST /events/{id}/erase': {
    id: 'audit.erase',
    summary: 'Erase the details of an entry',
    description: 'The hashes still verify. `count` is 0 where nothing was left to erase.',
    request: json('ErasureOrder', GROUNDS),
    answer: json('Erasure'),
    errors: ['not_found', 'legal_hold', 'never_erased', ...DATABASE],
  },
  'POST /retention': {
    id: 'audit.retention',
    summary: 'Erase the details of old entries, one run of them',
    description: 'While `more` is true, ask again. 404 while the log is empty.',
    request: json('RetentionOrder', { ...GROUNDS, before: '2020-01-01T00:00:00Z' }),
    answer: json('RetentionRun'),
    errors: ['not_found', ...DATABASE],
  },
  'POST /holds': {
    id: 'audit.hold',
    summary: 'Keep details from being erased',
    description:
      'Of a subject, future entries too, or of a range, whose `last_id` is not below `first_id`.',
    request: json('HoldOrder', { subject: 'fraud-detector', reason: 'case 4711' }),
    answer: json('Hold'),
    errors: ['not_found', ...DATABASE],
  },
  'GET /holds': {
    id: 'audit.holdsPage',
    summary: 'Legal holds, newest first',
    query: HoldsQuery,
    parameters: { limit: 10 },
    answer: listOf('Hold'),
    headers: ['Link'],
    errors: DATABASE,
  },
  'POST /holds/{id}/release': {
    id: 'audit.release',
    summary: 'End a legal hold',
    request: json('ReleaseOrder', { reason: 'case closed' }),
    answer: json('Hold'),
    errors: ['not_found', 'already_released', ...DATABASE],
  },
}
