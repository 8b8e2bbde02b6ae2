import type { RouteAccess } from '@ai-governance/common/callers/callers'

/** What each route asks of its caller. */
export const ACCESS: Readonly<Record<string, RouteAccess>> = {
  'POST /validate': 'policy:evaluate',
  'POST /api/v1/policies/validate': 'policy:evaluate',
  'POST /aibom/verify': 'policy:evaluate',
  'GET /policies': 'policy:evaluate',
  'GET /policies/:digest': 'policy:evaluate',
  'GET /schema/policy.v1.json': 'policy:evaluate',
}
