import type { RouteAccess } from '@ai-governance/common/callers/callers'

/** What each route asks of its caller. */
export const ACCESS: Readonly<Record<string, RouteAccess>> = {
  'POST /register': 'lineage:write',
  'GET /lineage': 'lineage:read',
  'GET /lineage/:model_id': 'lineage:read',
  'GET /models': 'lineage:read',
  'GET /verify': 'lineage:read',
}
