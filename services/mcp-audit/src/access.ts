import { GATEWAY_SERVICE, type RouteAccess } from '@ai-governance/common/callers/callers'

/** What each route asks of its caller. */
export const ACCESS: Readonly<Record<string, RouteAccess>> = {
  'POST /log': 'audit:append',
  'POST /log/batch': 'audit:append',
  'GET /events': 'audit:read',
  'GET /events/:id': 'audit:read',
  'GET /events/:id/vsa': 'audit:read',
  'GET /verify': 'audit:read',
  'GET /checkpoint': 'audit:read',
  'GET /checkpoint/key': 'audit:read',
  'GET /proof/inclusion': 'audit:read',
  'GET /proof/consistency': 'audit:read',
  'GET /tile/*': 'audit:read',
  'GET /holds': 'audit:read',
  'GET /export': 'audit:export',
  'POST /events/:id/erase': 'audit:erase',
  'POST /retention': 'audit:erase',
  'POST /holds': 'audit:erase',
  'POST /holds/:id/release': 'audit:erase',
  'POST /idempotency/lookup': GATEWAY_SERVICE,
}
