import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { json, media, type Operations } from '../operation.ts'
import { DATABASE, probesOf } from './shared.ts'

export const POLICY: Operations = {
  ...probesOf('policy', 'Ready'),
  'POST /validate': {
    id: 'policy.validate',
    summary: 'Whether a model may be released',
    description:
      'A denial is an answer: 200 with `allowed: false`. A bill of materials goes into `payload.aibom`.',
    request: json('DecisionRequest', { payload: EXAMPLE_PAYLOAD }),
    answer: json('Decision'),
  },
  'POST /api/v1/policies/validate': {
    id: 'policy.validateV1',
    summary: 'The same under its other path',
    request: json('DecisionRequest', { payload: EXAMPLE_PAYLOAD }),
    answer: json('Decision'),
  },
  'POST /aibom/verify': {
    id: 'policy.verifyAibom',
    summary: 'What a decision would know of a bill of materials',
    description:
      'With a model named the answer has `bound`: whether the bill is verified and of that model.',
    request: json('AibomRequest', {
      aibom: { data: { model_id: 'fraud-detector' }, signature: '00' },
      model_id: 'fraud-detector',
    }),
    answer: json('AibomResult'),
  },
  'GET /policies': {
    id: 'policy.policies',
    summary: 'Which policies decide now',
    answer: json('Policies'),
  },
  'GET /policies/{digest}': {
    id: 'policy.activatedPolicies',
    summary: 'The files of a set that was active, from the log',
    description: 'Needs `AUDIT_URL` at mcp-policy; without it every digest is 404.',
    answer: json('ActivatedPolicies'),
    errors: [
      'not_found',
      ...DATABASE,
      'upstream_unavailable',
      'upstream_invalid',
      'upstream_timeout',
    ],
  },
  'GET /schema/policy.v1.json': {
    id: 'policy.policySchema',
    summary: 'The JSON Schema of policy files, for editors',
    answer: media('application/json', { type: 'object' }),
  },
}
