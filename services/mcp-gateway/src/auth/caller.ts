/** Who makes a request, as far as the gateway has verified it. */
export interface Caller {
  /** As audit entries and log lines name it: `anonymous`, `key:<name>` or `oidc:<sub>`. */
  actor: string
  scopes: readonly string[]
}

/** Everybody, where there are no credentials (`AUTH_MODE=none`): they may do everything. */
export const ANONYMOUS: Caller = { actor: 'anonymous', scopes: ['admin'] }
