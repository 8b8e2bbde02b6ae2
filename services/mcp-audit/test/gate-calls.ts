import { randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import {
  type IdentityClaims,
  serviceClaims,
  signIdentity,
} from '@ai-governance/common/callers/identity'
import { startService } from './service.ts'

/** The key under which the gateway calls. */
const key = randomBytes(32)

/** A service with that key, for all tests of a file. */
export let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  service = await startService({ gatewayKey: key })
})
after(() => service.stop())

export const SHA = 'c0'.repeat(32)

/** What mcp-policy answers about a payload, as far as anybody looks at it here. */
export const verdict = (allowed = true) => ({
  allowed,
  reasons: allowed ? [] : ['too risky'],
  decision_id: `decision-${randomBytes(4).toString('hex')}`,
  evaluated_at: '2026-11-23T10:00:00.123456Z',
  input_digest: `sha256:${'a1'.repeat(32)}`,
  policy: { name: 'base', version: '1', digest: `sha256:${'b2'.repeat(32)}` },
  aibom: { status: 'absent', bound: false, canonical_sha256: null as string | null },
})

/** A decision of the gate as it is put on the log. */
export const decided = (changes: object = {}, decision = verdict()) => ({
  event_type: 'gate.decided',
  subject: 'fraud@1.2.3',
  decision: decision.allowed,
  details: { record: 'digest', decision, artifacts: [`sha256:${SHA}`], ...changes },
})

/** A POST that the gateway makes for itself, about the caller `actor`; `changes` to what it signs. */
export function asGateway(
  target: string,
  body: object,
  headers: Record<string, string> = {},
  { actor = 'key:ci', ...changes }: Partial<IdentityClaims> & { actor?: string } = {},
) {
  const payload = JSON.stringify(body)
  const requestId = `r-${randomBytes(4).toString('hex')}`
  const claims = serviceClaims(
    {
      ...{ from: 'mcp-gateway', to: 'mcp-audit', scopes: ['audit:append', 'audit:read'] },
      ...{ requestId, method: 'POST', target, body: payload },
    },
    Date.now() / 1_000,
  )
  return service.app.inject({
    method: 'POST',
    url: target,
    payload,
    headers: {
      'content-type': 'application/json',
      'x-request-id': requestId,
      'x-mcp-identity': signIdentity({ ...claims, sub: actor, ...changes }, key),
      ...headers,
    },
  })
}
