import { GateQuery } from '../../../services/mcp-gateway/src/gate/gate-question.ts'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { json, media, type Operation, type Operations } from '../operation.ts'
import { REGISTRATION } from './lineage.ts'
import { DATABASE, SIGNER } from './shared.ts'

/** An answer that is the same for everybody until the next release. */
function file(id: string, summary: string, mediaType: string, type = 'string'): Operation {
  const answer = media(mediaType, { type })
  return { id, summary, answer, headers: ['ETag', 'Cache-Control'] }
}

/** What the gateway answers itself. */
export const GATEWAY: Operations = {
  'GET /healthz': { id: 'gateway.health', summary: 'Whether it serves', answer: json('Ok') },
  'GET /readyz': {
    id: 'gateway.ready',
    summary: 'Whether every service behind it is ready',
    answer: json('Ok'),
    errors: ['not_ready'],
  },
  'GET /mcp': {
    id: 'gateway.directory',
    summary: 'Which services there are, and where',
    answer: json('Directory'),
  },
  'POST /api/v1/models/register': {
    id: 'gateway.registerModel',
    summary: 'Register a version of a model',
    description: 'Like `POST /mcp-lineage/register`, whose keys it shares.',
    request: json('Registration', { ...REGISTRATION, version: '1.1.0' }),
    answer: json('RegisteredModel'),
    headers: ['Idempotency-Replayed'],
    errors: ['artifacts_conflict', 'database_unavailable', 'database_busy'],
  },
  'POST /api/v1/gate': {
    id: 'gateway.gate',
    summary: 'Decide whether a model may be released, and record it, in one call',
    description:
      'What is answered was read from the entry `gate.decided`: no answer allows what is not on record, and a key that is ' +
      'sent again gets the decision that was recorded. Where nothing could be recorded: 503 `not_recorded`.',
    query: GateQuery,
    request: json('GateRequest', { payload: EXAMPLE_PAYLOAD, subject: 'fraud-detector' }),
    answer: json('GateDecision'),
    headers: ['Idempotency-Replayed'],
    errors: ['not_recorded', 'details_erased', ...DATABASE, ...SIGNER],
  },
  'GET /openapi.json': file('gateway.openapi', 'This document', 'application/json', 'object'),
  'GET /docs': file('gateway.docs', 'This document as a page to read and to try', 'text/html'),
  'GET /docs/app.js': file('gateway.docsScript', 'The script of that page', 'text/javascript'),
  'GET /docs/app.css': file('gateway.docsStyle', 'The style of that page', 'text/css'),
  'GET /docs/icon.svg': file('gateway.docsIcon', 'The icon of that page', 'image/svg+xml'),
}
