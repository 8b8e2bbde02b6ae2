import { BATCH_EVENTS } from '../../../services/common/src/requests/json-body.ts'
import { LogQuery } from '../../../services/mcp-audit/src/append-routes.ts'
import {
  EventsQuery,
  ExportQuery,
  VerifyQuery,
} from '../../../services/mcp-audit/src/read-routes.ts'
import { ref } from '../components.ts'
import { json, listOf, media, type Operations } from '../operation.ts'
import { DATABASE, probesOf, SIGNER } from './shared.ts'

const EVENT = {
  event_type: 'model.released',
  subject: 'fraud-detector',
  decision: true,
  details: { ticket: 'REL-7' },
}

/** Appending, reading, verifying. */
export const AUDIT: Operations = {
  ...probesOf('audit', 'Ok'),
  'POST /log': {
    id: 'audit.log',
    summary: 'Put an event on record',
    description:
      'The entry is committed when the answer comes. Event types that start with `lineage.`, `audit.`, `policy.`, ' +
      '`gate.` or `auth.` are the control plane’s own: 403 `event_type_reserved`. With `proof=true` the answer has ' +
      '`proof`, or null and `proof_error`.',
    query: LogQuery,
    request: json('Event', EVENT),
    answer: media('application/json', {
      anyOf: [{ $ref: ref('Entry') }, { $ref: ref('ProvenEntry') }],
    }),
    headers: ['Idempotency-Replayed'],
    errors: ['event_type_reserved', ...DATABASE, ...SIGNER],
  },
  'POST /log/batch': {
    id: 'audit.logBatch',
    summary: 'Put events on record in a row, all or none',
    description: `1 to ${BATCH_EVENTS.count} events, each of at most ${BATCH_EVENTS.bytes} bytes and ${BATCH_EVENTS.values} values.`,
    request: {
      ...json('EventBatch', { events: [EVENT, { ...EVENT, decision: false }] }),
      'application/x-ndjson': {
        schema: {
          description: 'One event a line.',
          type: 'array',
          items: { $ref: ref('Event') },
          minItems: 1,
          maxItems: BATCH_EVENTS.count,
        },
      },
    },
    answer: listOf('Entry'),
    headers: ['Idempotency-Replayed'],
    errors: ['event_type_reserved', ...DATABASE],
  },
  'GET /events': {
    id: 'audit.eventsPage',
    summary: 'Entries, newest first',
    query: EventsQuery,
    parameters: { subject: 'fraud-detector', limit: 10 },
    answer: listOf('Entry'),
    headers: ['Link'],
    errors: DATABASE,
  },
  'GET /events/{id}': {
    id: 'audit.event',
    summary: 'One entry',
    parameters: { id: 1 },
    answer: json('Entry'),
    errors: ['not_found', ...DATABASE],
  },
  'GET /events/{id}/vsa': {
    id: 'audit.vsa',
    summary: 'A recorded decision as a signed SLSA Verification Summary',
    description:
      'DSSE over an in-toto statement, made of the entry `gate.decided` and signed with the key of the log. 409 ' +
      '`no_subject` where the decision names no artifact by its digest, or more than 1,000.',
    answer: json('Envelope'),
    errors: ['not_found', 'no_subject', 'details_erased', ...DATABASE, ...SIGNER],
  },
  'GET /export': {
    id: 'audit.exportBytes',
    summary: 'Every entry of a range, streamed',
    description:
      'gzip where `Accept-Encoding` takes it. NDJSON ends with a trailer; without it the answer broke off.',
    query: ExportQuery,
    parameters: { fmt: 'ndjson' },
    answer: {
      ...listOf('Entry'),
      'application/x-ndjson': {
        schema: {
          description: 'One a line, and a trailer at the end.',
          type: 'array',
          items: { anyOf: [{ $ref: ref('Entry') }, { $ref: ref('ExportTrailer') }] },
        },
      },
      'text/csv': { schema: { type: 'string' } },
    },
    headers: ['Content-Disposition'],
    errors: ['not_found', ...DATABASE, ...SIGNER],
  },
  'GET /verify': {
    id: 'audit.verify',
    summary: 'Recompute the log, one step of it',
    query: VerifyQuery,
    parameters: { from_id: 1, limit: 1000 },
    answer: json('AuditVerdict'),
    errors: DATABASE,
  },
}
