// The others, in a process of their own: they ask at a constant rate, whether or not the answers before have come.
// Its one argument is an `OpenLoopConfig` as JSON. When all is answered it tells an `OpenLoopResult` and ends.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface OpenLoopConfig {
  /** Read by GET, or appended to by POST where there is a body; asked in turn. */
  calls: { url: string; body?: string }[]
  perSecond: number
  requests: number
}

/** ms of each answer from when it was due, by its status or, where there was none, by what happened instead. */
export type OpenLoopResult = Record<string, number[]>

/** Nothing may take longer, in ms. */
const PATIENCE = 30_000
const config: OpenLoopConfig = JSON.parse(process.argv[2] ?? '')
const agent = new Agent({ keepAlive: true })
const result: OpenLoopResult = {}

/** What came of a call: its status, or what happened instead; `hangs` where `patience`, in ms, is over before. */
function ask({ url, body }: OpenLoopConfig['calls'][number], patience: number): Promise<string> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const method = body === undefined ? 'GET' : 'POST'
  return new Promise((resolve) => {
    const call = request(url, { method, headers, agent }, (answer) => {
      answer.on('error', (error) => resolve(error.message))
      answer.resume().on('end', () => {
        clearTimeout(late)
        resolve(String(answer.statusCode))
      })
    })
    const late = setTimeout(() => {
      resolve('hangs')
      call.destroy()
    }, patience)
    call.on('error', (error) => {
      clearTimeout(late)
      resolve(error.message)
    })
    call.end(body)
  })
}

/** From when it was due, which is when its caller began to wait. */
async function measured(call: OpenLoopConfig['calls'][number], dueAt: number): Promise<void> {
  const came = await ask(call, dueAt + PATIENCE - performance.now())
  result[came] ??= []
  result[came].push(performance.now() - dueAt)
}

process.on('disconnect', () => process.exit(1))
const { calls, perSecond, requests } = config
const beganAt = performance.now()
const asked: Promise<void>[] = []
for (let n = 0; n < requests; n++) {
  const dueAt = beganAt + (n * 1_000) / perSecond
  await sleep(Math.max(0, dueAt - performance.now()))
  asked.push(measured(calls[n % calls.length] as OpenLoopConfig['calls'][number], dueAt))
}
await Promise.all(asked)
process.send?.(result, () => process.exit(0))
