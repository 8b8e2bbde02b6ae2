import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'

/** One kind of request that clients make. */
export interface Kind {
  method: 'GET' | 'POST'
  target: string
  body?: () => object
  keyed?: boolean
}

const event = () => ({ event_type: 'model.deployed', subject: 'fraud@1', decision: true })
const model = () => ({ model_id: `m-${randomUUID()}`, version: '1', created_by: 'a' })
const payload = () => ({ payload: { model_class: 'vision' } })

/** What may be asked of each service: reading, asking, and changing with and without an Idempotency-Key. */
export const KINDS: Record<string, Kind[]> = {
  'mcp-audit': [
    { method: 'GET', target: '/mcp-audit/events?limit=2' },
    { method: 'POST', target: '/mcp-audit/log', body: event },
    { method: 'POST', target: '/mcp-audit/log', body: event, keyed: true },
  ],
  'mcp-lineage': [
    { method: 'GET', target: '/mcp-lineage/models?limit=2' },
    { method: 'POST', target: '/mcp-lineage/register', body: model },
    { method: 'POST', target: '/mcp-lineage/register', body: model, keyed: true },
  ],
  'mcp-policy': [
    { method: 'GET', target: '/mcp-policy/policies' },
    { method: 'POST', target: '/mcp-policy/validate', body: payload },
  ],
}

/** What became of the requests: how many were answered 200, and of the others what came instead. */
export interface Tally {
  answered: number
  failures: string[]
}

/** Clients that each make one request after the other until `end` is called. */
export function startClients(url: string, kinds: readonly Kind[], clients: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const tally: Tally = { answered: 0, failures: [] }
  let isOver = false
  const client = async (first: number) => {
    for (let n = first; !isOver; n++) {
      const kind = kinds[n % kinds.length] as Kind
      const came = await make(url, kind, agent)
      if (came === '200') tally.answered++
      else
        tally.failures.push(`${kind.method} ${kind.target}${kind.keyed ? ' keyed' : ''}: ${came}`)
    }
  }
  const done = Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
  return {
    tally,
    async end(): Promise<Tally> {
      isOver = true
      await done
      agent.destroy()
      return tally
    },
  }
}

/** `200`, or the status with its code, or the error of the connection. */
function make(url: string, kind: Kind, agent: Agent): Promise<string> {
  const headers = {
    ...(kind.body && { 'content-type': 'application/json' }),
    ...(kind.keyed && { 'idempotency-key': randomUUID() }),
  }
  return new Promise((resolve) => {
    const call = request(url + kind.target, { method: kind.method, headers, agent }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('error', (error) => resolve(error.message))
      answer.on('end', () =>
        resolve(answer.statusCode === 200 ? '200' : `${answer.statusCode} ${text}`),
      )
    })
    call.on('error', (error) => resolve(error.message))
    call.end(kind.body && JSON.stringify(kind.body()))
  })
}
