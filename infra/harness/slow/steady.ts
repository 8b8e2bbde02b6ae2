// Clients that are in no hurry, in a process of their own: each asks, waits for its answer, rests and asks again.
// Its one argument is a `SteadyConfig` as JSON. Told to end, it writes a `SteadyResult` as one line.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SteadyConfig {
  /** Read by GET, or appended to by POST where there is a body. */
  calls: { url: string; body?: string }[]
  clients: number
  /** Between an answer and the next question, in ms. */
  restMs: number
}

export interface SteadyResult {
  /** ms of each answer with 200. */
  times: number[]
  /** How often each other answer came. */
  others: Record<string, number>
}

const config: SteadyConfig = JSON.parse(process.argv[2] ?? '')
const agent = new Agent({ keepAlive: true })
const result: SteadyResult = { times: [], others: {} }
let isOver = false

function ask({ url, body }: SteadyConfig['calls'][number]): Promise<string> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const method = body === undefined ? 'GET' : 'POST'
  return new Promise((resolve) => {
    const call = request(url, { method, headers, agent }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)))
    })
    call.on('error', (error) => resolve(error.message))
    call.end(body)
  })
}

async function client(first: number): Promise<void> {
  for (let n = first; !isOver; n++) {
    const startedAt = performance.now()
    const came = await ask(config.calls[n % config.calls.length] as SteadyConfig['calls'][number])
    if (came === '200') result.times.push(performance.now() - startedAt)
    else result.others[came] = (result.others[came] ?? 0) + 1
    await sleep(config.restMs)
  }
}

process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  isOver = true
})
await Promise.all(Array.from({ length: config.clients }, (_, n) => client(n)))
process.send?.(result, () => process.exit(0))
