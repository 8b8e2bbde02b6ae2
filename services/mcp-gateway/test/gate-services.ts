import type { RequestListener, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { inputDigest } from '../src/gate/gate-question.ts'
import {
  postBytes,
  type Received,
  type Recorder,
  sendRaw,
  startGateway,
  startRecorder,
} from './harness.ts'

/** What a service does with a call; undefined: what it should. */
export type Behaviour = (call: Received, response: ServerResponse) => unknown

export interface Behaviours {
  lookup?: Behaviour
  validate?: Behaviour
  log?: Behaviour
  proof?: Behaviour
}

export const ENTRY_HASH = 'ab'.repeat(32)

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers = {},
): void {
  const type = status === 200 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(value))
}

/** Problem details as a service answers them. */
export const problem = (status: number, code: string, detail = 'A detail') => ({
  ...{ type: 'about:blank', title: 'A title', status, code, detail, request_id: 'x' },
})

/** The decision of a service that allows everything. */
export const verdictOf = (payload: object, allowed = true) => ({
  allowed,
  reasons: allowed ? [] : ['too risky'],
  explanation: [],
  decision_id: '6f1c',
  input_digest: inputDigest(payload as never),
})

/** The entry that an event becomes. */
export const entryOf = (event: object) => ({
  id: 7,
  ...event,
  actor: 'anonymous',
  entry_hash: ENTRY_HASH,
})

const usual: Required<Behaviours> = {
  lookup: (_call, response) => sendJson(response, 404, problem(404, 'not_found')),
  validate: ({ body }, response) =>
    sendJson(response, 200, verdictOf(JSON.parse(body.toString()).payload)),
  log: ({ body }, response) => sendJson(response, 200, entryOf(JSON.parse(body.toString()))),
  proof: (_call, response) => sendJson(response, 200, { index: 6, size: 7 }),
}

const ROUTES: Record<string, keyof Behaviours> = {
  '/idempotency/lookup': 'lookup',
  '/validate': 'validate',
  '/log': 'log',
  '/proof/inclusion': 'proof',
}

/** A gateway before two recorders, in the place of mcp-policy and mcp-audit. */
export async function startGate(t: TestContext, behaviours: Behaviours = {}, limits = {}) {
  let policy: Recorder
  let audit: Recorder
  const behave =
    (own: () => Recorder): RequestListener =>
    (request, response) => {
      const name = ROUTES[request.url?.split('?', 1)[0] ?? ''] as keyof Behaviours
      const call = own().received.at(-1) as Received
      const { [name]: behaviour = usual[name] } = behaviours
      behaviour(call, response)
    }
  policy = await startRecorder(
    t,
    behave(() => policy),
  )
  audit = await startRecorder(
    t,
    behave(() => audit),
  )
  const services = { 'mcp-policy': policy.url, 'mcp-audit': audit.url }
  const gateway = await startGateway(t, services, limits)
  return {
    policy,
    audit,
    gateway,
    /** What was asked of both, in short: probes left out. */
    asked: () =>
      [...policy.received, ...audit.received]
        .map(({ target }) => target.split('?', 1)[0])
        .filter((target) => target !== '/healthz'),
    gate: (body: unknown, { query = '', headers = [] as string[] } = {}) =>
      sendRaw(
        gateway.port,
        postBytes(
          gateway.port,
          `/api/v1/gate${query}`,
          typeof body === 'string' ? body : JSON.stringify(body),
          ['Content-Type: application/json', ...headers],
        ),
      ),
  }
}
