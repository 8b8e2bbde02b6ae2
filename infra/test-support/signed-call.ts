import { hash, randomBytes } from 'node:crypto'
import {
  type IdentityClaims,
  serviceClaims,
  signIdentity,
} from '@ai-governance/common/callers/identity'

/** A request to a service, as the gateway would send it. */
export interface SignedCall {
  /** Where the service is. */
  url: string
  /** Its name. */
  to: string
  method?: 'GET' | 'POST'
  target: string
  body?: string
}

/**
 * The headers with which the gateway passes a call on for `key:tester`, who may do everything.
 *
 * @param key the key of the service that is called
 * @param changes to what is signed
 */
export function gatewayHeaders(
  { to, method = 'GET', target, body = '' }: SignedCall,
  key: Buffer,
  changes: Partial<IdentityClaims> = {},
): Record<string, string> {
  const requestId = `r-${randomBytes(4).toString('hex')}`
  const parties = { from: 'mcp-gateway', to, scopes: ['admin'] }
  const claims = serviceClaims({ ...parties, requestId, method, target, body }, Date.now() / 1_000)
  const forwarded = { ...claims, sub: 'key:tester', svc: null, ...changes }
  return {
    ...(method === 'POST' && { 'content-type': 'application/json' }),
    'x-request-id': requestId,
    'x-mcp-identity': signIdentity(forwarded, key),
  }
}

export interface Answered {
  status: number
  json: Record<string, unknown>
  headers: Headers
}

/** Sends a call with the headers given. */
export async function send(call: SignedCall, headers: Record<string, string>): Promise<Answered> {
  const { method = 'GET', body } = call
  const answer = await fetch(call.url + call.target, {
    method,
    headers: { ...(method === 'POST' && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body }),
  })
  const json = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, json, headers: answer.headers }
}

/** SHA-256 in hex of a body that was signed. */
export const bodyHash = (body: string): string => hash('sha256', body)
