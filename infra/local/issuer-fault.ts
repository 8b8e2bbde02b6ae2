/** What `/readyz` of the gateway names while the provider of tokens has given no keys. */
const LACKS = 'oidc_issuer'
/** By then the gateway has asked in vain, whatever it may log. */
const PATIENCE = 15_000

/** What is known of a service that runs and is not ready. */
export interface Unready {
  /** What its `/readyz` names. */
  missing: readonly string[]
  /** What it wrote so far. */
  output: string
  /** For how long it has been asked, in ms. */
  waited: number
}

/**
 * Whether the gateway lacks nothing but the keys of OIDC_ISSUER, and has asked for them in vain: those may come at any
 * time, and nothing on this machine brings them.
 */
export function lacksOnlyIssuer({ missing, output, waited }: Unready): boolean {
  const isOnly = missing.length > 0 && missing.every((name) => name === LACKS)
  return isOnly && (issuerFault(output) !== undefined || waited > PATIENCE)
}

/** Why OIDC_ISSUER gives no keys, in the words that the gateway logged last; undefined where it says nothing of it. */
export function issuerFault(output: string): string | undefined {
  for (const line of output.split('\n').toReversed()) {
    if (!line.includes('"OIDC_ISSUER gives no keys"')) continue
    const fault = /"fault":("(?:[^"\\]|\\.)*")/.exec(line)?.[1]
    if (fault !== undefined) return JSON.parse(fault)
  }
  return undefined
}

/**
 * What to do about it, one line.
 *
 * @param issuer the value of OIDC_ISSUER
 * @param output what the gateway wrote
 */
export function issuerWarning(issuer: string, output: string): string {
  const fault = issuerFault(output) ?? 'the log of the gateway may say why'
  const document = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return (
    `OIDC_ISSUER gives no keys (${fault}), so every token is answered 503 until it does: correct OIDC_ISSUER in .env if it ` +
    `is not ${issuer}, or see that this machine gets ${document}. See docs/OPERATIONS.md, "Identity provider".`
  )
}
