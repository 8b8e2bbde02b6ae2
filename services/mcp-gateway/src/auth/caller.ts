import type { Socket } from 'node:net'
import { sourceOf } from './rate-limits.ts'

/** Who makes a request, as far as the gateway has verified it. */
export interface Caller {
  /** As audit entries and log lines name it: `anonymous`, `key:<name>` or `oidc:<sub>`. */
  actor: string
  scopes: readonly string[]
}

/** Everybody, where there are no credentials (`AUTH_MODE=none`): they may do everything. */
export const ANONYMOUS: Caller = { actor: 'anonymous', scopes: ['admin'] }

/**
 * As whom a request shares places and room with others: as its caller, or as its address where everybody is anonymous
 * or nobody needs to be known.
 */
export function flowOf(caller: Caller | null, socket: Pick<Socket, 'remoteAddress'>): string {
  return caller && caller !== ANONYMOUS ? caller.actor : sourceOf(socket)
}
