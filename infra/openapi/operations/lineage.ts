import {
  LineageQuery,
  ModelsQuery,
  RevisionsQuery,
  VerifyQuery,
} from '../../../services/mcp-lineage/src/routes.ts'
import { json, listOf, type Operations } from '../operation.ts'
import { DATABASE, probesOf } from './shared.ts'

export const REGISTRATION = {
  model_id: 'fraud-detector',
  version: '1.0.0',
  created_by: 'model-team',
  artifacts: [`sha256:${'ab'.repeat(32)}`],
  parents: [{ dataset: 'claims-2026' }],
  metadata: { framework: 'pytorch' },
}

export const LINEAGE: Operations = {
  ...probesOf('lineage', 'Ok'),
  'POST /register': {
    id: 'lineage.register',
    summary: 'Register a version of a model',
    description:
      'The record and its entry on the log commit together. The artifacts of a version never change: another set is ' +
      '409 `artifacts_conflict`; anything else makes the next revision.',
    request: json('Registration', REGISTRATION),
    answer: json('LineageRecord'),
    headers: ['Idempotency-Replayed'],
    errors: ['artifacts_conflict', ...DATABASE],
  },
  'GET /lineage': {
    id: 'lineage.revisionsPage',
    summary: 'The records of a model, newest first',
    query: LineageQuery,
    parameters: { model_id: 'fraud-detector', limit: 10 },
    answer: listOf('LineageRecord'),
    headers: ['Link'],
    errors: DATABASE,
  },
  'GET /lineage/{model_id}': {
    id: 'lineage.revisionsPageByPath',
    summary: 'The same with the model in the path',
    description: 'An id that holds `/`, `%`, `;`, `\\` or `..` cannot travel in a path.',
    query: RevisionsQuery,
    parameters: { model_id: 'fraud-detector', limit: 10 },
    answer: listOf('LineageRecord'),
    headers: ['Link'],
    errors: DATABASE,
  },
  'GET /models': {
    id: 'lineage.modelsPage',
    summary: 'The latest record of each model',
    query: ModelsQuery,
    parameters: { limit: 10 },
    answer: listOf('LineageRecord'),
    headers: ['Link'],
    errors: DATABASE,
  },
  'GET /verify': {
    id: 'lineage.verify',
    summary: 'Hold records against their entries on the log',
    query: VerifyQuery,
    parameters: { from_id: 1, limit: 1000 },
    answer: json('LineageVerdict'),
    errors: DATABASE,
  },
}
