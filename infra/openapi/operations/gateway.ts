import { GateQuery } from '../../../services/mcp-gateway/src/gate/gate-question.ts'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { json, media, type Operations } from '../operation.ts'
import { REGISTRATION } from './lineage.ts'
import { DATABASE, SIGNER } from './shared.ts'

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
  'GET /openapi.json': {
    id: 'gateway.openapi',
    summary: 'This document',
    answer: media('application/json', { type: 'object' }),
    headers: ['ETag', 'Cache-Control'],
  },
  'GET /docs': {
    id: 'gateway.docs',
    summary: 'This document as a page to read and to try',
    answer: media('text/html', { type: 'string' }),
    headers: ['ETag', 'Cache-Control'],
  },
  'GET /docs/app.js': {
    id: 'gateway.docsScript',
    summary: 'The script of that page',
    answer: media('text/javascript', { type: 'string' }),
    headers: ['ETag', 'Cache-Control'],
  },
  'GET /docs/app.css': {
    id: 'gateway.docsStyle',
    summary: 'The style of that page',
    answer: media('text/css', { type: 'string' }),
    headers: ['ETag', 'Cache-Control'],
  },
  'GET /docs/icon.svg': {
    id: 'gateway.docsIcon',
    summary: 'The icon of that page',
    answer: media('image/svg+xml', { type: 'string' }),
    headers: ['ETag', 'Cache-Control'],
  },
}
