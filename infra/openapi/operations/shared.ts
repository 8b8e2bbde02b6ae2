import type { ErrorCode } from '../../../services/common/src/errors.ts'
import { json, type Operations } from '../operation.ts'

/** What may go wrong wherever a service asks its database. */
export const DATABASE: ErrorCode[] = ['database_unavailable', 'database_busy']

/** What may go wrong wherever something is signed or proven; `not_ready` while the tree is being read. */
export const SIGNER: ErrorCode[] = [
  'signing_key_missing',
  'signer_state_missing',
  'signer_refused',
  'not_ready',
]

/** The two probes of a service. `client` is the part of the client that asks them. */
export function probesOf(client: string, ready: 'Ok' | 'Ready'): Operations {
  return {
    'GET /healthz': { id: `${client}.health`, summary: 'Whether it serves', answer: json('Ok') },
    'GET /readyz': {
      id: `${client}.ready`,
      summary: 'Whether it has what it needs',
      answer: json(ready),
      errors: ['not_ready'],
    },
  }
}
