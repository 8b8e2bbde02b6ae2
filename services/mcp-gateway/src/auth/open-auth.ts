import type { App } from '@ai-governance/common/http/server'
import { requestId } from '@ai-governance/common/requests/request-id'
import type { Config } from '../config.ts'
import { OwnCalls } from '../upstreams/own-calls.ts'
import type { Upstreams } from '../upstreams/upstreams.ts'
import { ApiKeys } from './api-keys.ts'
import { type Authenticator, DENIALS } from './authenticator.ts'
import { trustWith } from './authorities.ts'
import { type AppendBatch, DenialLog } from './denials.ts'
import { Guard } from './guard.ts'
import { IssuerKeys, type IssuerTimes } from './issuer.ts'
import { OidcTokens } from './oidc.ts'
import { RateLimiter } from './rate-limits.ts'
import { GATEWAY, type IdentityHeaders } from './signing.ts'

/** How long mcp-audit may take for a batch of denials, in ms. */
const APPEND_WITHIN = 2_000

export interface AuthParts {
  config: Pick<Config, 'auth' | 'rateLimits'>
  app: App
  upstreams: Upstreams
  sign: IdentityHeaders
  /** How often denials become entries, in ms. This and the next differ from the default in tests alone. */
  denialsEvery?: number
  issuerTimes?: IssuerTimes
}

export interface Auth {
  guard: Guard
  /** What is missing before anybody can be let in. */
  missing: () => string[]
  /** Puts what was counted on the log, and ends what watches keys. */
  stop: () => Promise<void>
}

/**
 * Everything that decides who may call.
 *
 * @throws EnvironmentError where API_KEYS_PATH or OIDC_CA_PATH is no usable file
 */
export function openAuth(parts: AuthParts): Auth {
  const { config, app, upstreams, sign, denialsEvery } = parts
  const authenticator = authenticatorOf(parts)
  const append = appendBatch(upstreams, sign)
  const denials = authenticator && append ? new DenialLog(append, app.log, denialsEvery) : null
  const counter = app.metrics.counter({
    name: 'governance_gateway_denials_total',
    help: 'Requests whose credentials did not do, by why',
    labels: { class: DENIALS },
  })
  const { perKey, perAddress } = config.rateLimits
  const guard = new Guard({
    authenticator,
    perKey: perKey && new RateLimiter(perKey),
    perAddress: perAddress && new RateLimiter(perAddress),
    onDenied: (denial, source) => {
      counter.inc({ class: denial })
      denials?.count(denial, source)
    },
  })
  return {
    guard,
    missing: () => authenticator?.missing() ?? [],
    stop: async () => {
      await authenticator?.stop()
      await denials?.stop()
    },
  }
}

function authenticatorOf({ config: { auth }, app, issuerTimes }: AuthParts): Authenticator | null {
  switch (auth.mode) {
    case 'none':
      return null
    case 'keys':
      return new ApiKeys(auth.path, app.log)
    case 'oidc': {
      const trust = auth.caPath === undefined ? undefined : trustWith(auth.caPath)
      return new OidcTokens(
        auth,
        new IssuerKeys(auth.issuer, app.log, { trust, times: issuerTimes }),
      )
    }
  }
}

/** Null where there is no mcp-audit. */
function appendBatch(upstreams: Upstreams, sign: IdentityHeaders): AppendBatch | null {
  if (!upstreams.has('mcp-audit')) return null
  return async (body, key) => {
    const own = { caller: GATEWAY, flow: GATEWAY.actor, requestId: requestId(undefined) }
    const { status, text } = await new OwnCalls({
      ...{ upstreams, sign, ...own, within: APPEND_WITHIN },
    }).make({
      ...{ service: 'mcp-audit', method: 'POST', target: '/log/batch', asGateway: true },
      ...{ body, key, writes: true },
    })
    if (status !== 200) throw new Error(`mcp-audit answers ${status}: ${text.slice(0, 300)}`)
  }
}
