/** What a caller may be allowed to do. Nothing is allowed by default. */
export const SCOPES = [
  'audit:append',
  'audit:read',
  'audit:export',
  'audit:erase',
  'lineage:write',
  'lineage:read',
  'policy:evaluate',
  /** Everything that the others allow. */
  'admin',
] as const
export type Scope = (typeof SCOPES)[number]

/**
 * What a route asks of its caller: a scope, that there are valid credentials (`authenticated`), or nothing
 * (`open`).
 */
export type Access = Scope | 'authenticated' | 'open'

/** Whether a caller with these scopes may do what asks for `access`. */
export function allows(scopes: readonly string[], access: Access): boolean {
  if (access === 'open' || access === 'authenticated') return true
  return scopes.includes(access) || scopes.includes('admin')
}
