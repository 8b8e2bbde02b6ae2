import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Received {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** Answers one request; `number` counts from 0. */
export type Answer = (response: ServerResponse, request: Received, number: number) => void

/** A real HTTP server for one test: answers as told and remembers what it was asked. */
export async function serve(t: TestContext, answer: Answer) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    received.push({ method, url, headers, body })
    answer(response, { method, url, headers, body }, received.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

/** Problem details as the services send them. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
  const text = { type: 'about:blank', title: 't', status, code, detail: 'd', request_id: 'theirs' }
  response.end(JSON.stringify(text))
}

export function json(response: ServerResponse, value: unknown, headers = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

/** An address at which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** What the services answer to a change: what was sent, and where it is now. */
export function made(response: ServerResponse, request: Received, members: object = {}): void {
  const reference = { id: 7, entry_hash: 'cd'.repeat(32) }
  const record = { revision: 1, record_hash: 'ab'.repeat(32), audit: reference }
  const defaults = { details: {}, artifacts: [], parents: [], metadata: {}, aibom: null }
  json(response, { ...defaults, ...reference, ...record, ...JSON.parse(request.body), ...members })
}
