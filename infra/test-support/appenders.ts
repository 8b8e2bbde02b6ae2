import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** An entry that a service has acknowledged. */
export interface Acknowledged {
  id: number
  entry_hash: string
}

export interface Appended {
  acknowledged: Acknowledged[]
  /** Statuses other than 200, and 0 for a request that got no answer. */
  failures: number[]
}

/**
 * Appends events over `clients` connections at once, each waiting for its answer, until `isDone` says
 * so. After a failure a client rests 20 ms, as a real one would.
 */
export async function appendEvents(
  url: string,
  clients: number,
  isDone: (acknowledged: number) => boolean,
): Promise<Appended> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const result: Appended = { acknowledged: [], failures: [] }
  let sent = 0
  const client = async (number: number) => {
    while (!isDone(result.acknowledged.length)) {
      const event = {
        event_type: 'load.test',
        subject: `client@${number}`,
        decision: true,
        details: { n: sent++ },
      }
      const { status, body } = await post(url, agent, JSON.stringify(event))
      if (status === 200) {
        const { id, entry_hash } = JSON.parse(body)
        result.acknowledged.push({ id, entry_hash })
      } else {
        result.failures.push(status)
        await sleep(20)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i)))
  agent.destroy()
  return result
}

function post(url: string, agent: Agent, text: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    const call = request(url, { method: 'POST', agent, headers, timeout: 30_000 }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', () => resolve({ status: 0, body: '' }))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve({ status: 0, body: '' }))
    call.end(text)
  })
}
