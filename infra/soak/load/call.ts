import { type Agent, type IncomingMessage, request } from 'node:http'
import type { Outcome } from './tally.ts'

/** Nothing may take longer, in ms. */
const PATIENCE = 30_000

export interface Call {
  method?: 'GET' | 'POST'
  /** At the gateway, such as `/mcp-audit/log`. */
  path: string
  token: string
  /** Sent as JSON. */
  body?: unknown
  /** The `Idempotency-Key`. */
  key?: string
  /** Further header fields. */
  headers?: Record<string, string>
  /** The answer is read and not kept. */
  isLarge?: boolean
}

export interface Answer {
  outcome: Outcome
  text: string
  replayed: boolean
}

/** Sends a request and reads its whole answer. Never rejects: what becomes of a call is its outcome. */
export function call(gatewayUrl: string, agent: Agent, options: Call): Promise<Answer> {
  const { path, token, key, isLarge = false } = options
  const body = options.body === undefined ? undefined : JSON.stringify(options.body)
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...options.headers }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(body))
  }
  if (key !== undefined) headers['idempotency-key'] = key
  const method = options.method ?? (body === undefined ? 'GET' : 'POST')
  return new Promise((resolve) => {
    const sent = request(gatewayUrl + path, { method, agent, headers })
    const late = setTimeout(() => {
      end('hangs')
      sent.destroy()
    }, PATIENCE)
    const end = (outcome: Outcome, text = '', replayed = false) => {
      clearTimeout(late)
      resolve({ outcome, text, replayed })
    }
    sent.on('error', ({ code = 'broke off' }: NodeJS.ErrnoException) => end(code))
    sent.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => {
        if (!isLarge) parts.push(part)
      })
      response.on('error', () => end('broke off'))
      response.on('end', () => {
        const text = Buffer.concat(parts).toString()
        end(outcomeOf(response, text), text, response.headers['idempotency-replayed'] === 'true')
      })
    })
    sent.end(body)
  })
}

function outcomeOf({ statusCode }: IncomingMessage, text: string): Outcome {
  if (statusCode === undefined || statusCode < 400) return String(statusCode)
  try {
    return `${statusCode} ${JSON.parse(text).code}`
  } catch {
    return `${statusCode} without a code`
  }
}
