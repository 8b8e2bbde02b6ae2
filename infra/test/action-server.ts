// A gate that gives the answers of a list, for what no control plane does on request: break, lie, say nothing.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { runStep, type StepResult } from './action-step.ts'

export type Answer = (response: ServerResponse, body: string) => void

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
export const problem = (status: number, code?: string): Answer =>
  json(status, { code, detail: 'because' })

export const DECISION = {
  allowed: true,
  reasons: [] as string[],
  risk_score: 3,
  risk_level: 'low',
  decision_id: 'd',
  policy: { name: 'p', version: '1', digest: 'sha256:p' },
  // Of {}.
  input_digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  aibom: { status: 'absent' },
}
export const PROOF = { index: 6, hashes: ['a'], checkpoint: 'log.example\n7\nroot\n\n— sig\n' }
export const ENTRY = {
  id: 7,
  entry_hash: 'a'.repeat(64),
  created_at: '2026-01-01T00:00:00.000000Z',
  event_type: 'gate.decided',
  subject: 'x',
  decision: true,
  details: { record: 'digest', decision: DECISION, artifacts: [] },
  proof: PROOF,
}
export const RECORDED = { allowed: true, decision: DECISION, audit: ENTRY }
export const recorded = json(200, RECORDED)

export interface Seen {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

/** Runs the step about `{}` against a server that gives these answers one after the other, then 404. */
export async function scripted(
  t: TestContext,
  answers: readonly Answer[],
  inputs: Record<string, string> = {},
): Promise<StepResult & { requests: Seen[] }> {
  const requests: Seen[] = []
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('')
    const answer = answers[requests.length] ?? problem(404, 'not_found')
    requests.push({ path: request.url ?? '', headers: request.headers, body })
    answer(response, body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const given = { url, subject: 'x', payload: '{}', token: 'TOKEN', 'timeout-seconds': '30' }
  return { ...(await runStep({ ...given, ...inputs })), requests }
}
