import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, before } from 'node:test'
import {
  type IdentityClaims,
  serviceClaims,
  signIdentity,
} from '@ai-governance/common/callers/identity'
import { startService } from './service.ts'

/** The key of mcp-policy. */
export const key = randomBytes(32)
export const ACTIVATED = { event_type: 'policy.activated', subject: 'sha256:00', decision: true }
export const SCOPES = ['audit:append', 'audit:read']

/** A service with that key, for all tests of a file. */
export let service: Awaited<ReturnType<typeof startService>>
let port: number
before(async () => {
  service = await startService({ policyKey: key })
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  port = (service.app.server.address() as AddressInfo).port
})
after(() => service.stop())

export interface Call {
  method?: string
  target?: string
  body?: string
  headers?: Record<string, string | string[]>
}

/** One request over a socket, its body as it is. */
export async function send({ method = 'POST', target = '/log', body = '', headers = {} }: Call) {
  const given: OutgoingHttpHeaders = {
    host: '127.0.0.1:80',
    'content-type': 'application/json',
    ...headers,
  }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const out = request({ host: '127.0.0.1', port, method, path: target, headers: given }, resolve)
    out.on('error', reject).end(body)
  })
  const text = (await buffer(answer)).toString()
  return {
    status: answer.statusCode,
    headers: answer.headers,
    json: JSON.parse(text) as Record<string, unknown>,
  }
}

/** The headers that mcp-policy sends with a call; `changes` to what it signs. */
export function signed(
  { method = 'POST', target = '/log', body = '' }: Call,
  changes: Partial<IdentityClaims> = {},
  by = key,
): Record<string, string> {
  const parties = { from: 'mcp-policy', to: 'mcp-audit', scopes: SCOPES }
  const what = { requestId: `r-${randomBytes(4).toString('hex')}`, method, target, body }
  const claims = serviceClaims({ ...parties, ...what }, Date.now() / 1_000)
  return {
    'x-request-id': what.requestId,
    'x-mcp-identity': signIdentity({ ...claims, ...changes }, by),
  }
}

export const activation = (): Call => ({ body: JSON.stringify(ACTIVATED) })
/** How many entries there are. */
export async function entries(): Promise<number> {
  const page = (await service.app.inject({ url: '/events?limit=1' })).json()
  return (page as { id: number }[])[0]?.id ?? 0
}

/** Asserts that a call is refused as unverified, and that nothing came of it. */
export async function assertRefused(call: Call): Promise<void> {
  const before = await entries()
  const { status, json, headers } = await send(call)
  assert.deepEqual([status, json.code], [401, 'unauthorized'], JSON.stringify(json))
  assert.equal(headers['www-authenticate'], 'MCP-Identity')
  assert.equal(await entries(), before)
}
