// Calls the gate, in a process of its own, as the driver beside it in ../load does with the log, and for its reason.
//
// Its one argument is a `GateDriverConfig` as JSON. It writes down every answer, tells its parent every 20 ms how
// many were decisions, and ends when it was told to (`stop`), has made its calls, and every keyed one of them was decided.
import { createWriteStream } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import type { Answer, Decided } from './history.ts'

export interface GateDriverConfig {
  gatewayUrl: string
  clients: number
  /** At least so many. */
  calls: number
  historyFile: string
}

const { gatewayUrl, clients, calls, historyFile }: GateDriverConfig = JSON.parse(
  process.argv[2] ?? '',
)
const history = createWriteStream(historyFile)
const agent = new Agent({ keepAlive: true, maxSockets: clients })
/** A rest after a failure, and how long an answer may take, and a decision with all attempts, in ms. */
const REST = 20
const PATIENCE = 30_000
const SETTLED_WITHIN = 60_000
let isStopped = false
let decided = 0
let started = 0

async function ask(name: string, isKeyed: boolean, isAllowed: boolean): Promise<Answer> {
  const payload = { ...(isAllowed && EXAMPLE_PAYLOAD), name }
  const body = JSON.stringify({ payload, subject: 'drill@1', record: 'full' })
  const got = await send(body, isKeyed ? name : null)
  const answer: Answer = { name, isKeyed, at: Date.now(), ...got }
  history.write(`${JSON.stringify(answer)}\n`)
  if (got.decided) decided++
  return answer
}

/** What came of it, without what was asked. */
type Got = Pick<Answer, 'status' | 'code' | 'decided'>

function send(body: string, key: string | null): Promise<Got> {
  const none = (status: number, code: string) => ({ status, code, decided: null })
  return new Promise((resolve) => {
    const call = request(`${gatewayUrl}/api/v1/gate`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(key !== null && { 'idempotency-key': key }),
      },
    })
    const late = setTimeout(() => {
      resolve(none(-1, 'hangs'))
      call.destroy()
    }, PATIENCE)
    const end = (answer: Got) => {
      clearTimeout(late)
      resolve(answer)
    }
    call.on('error', ({ code = 'broke off' }: NodeJS.ErrnoException) => end(none(0, code)))
    call.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', () => end(none(0, 'broke off')))
      response.on('end', () => end(read(response.statusCode ?? 0, text)))
    })
    call.end(body)
  })
}

function read(status: number, text: string): Got {
  const value = JSON.parse(text)
  if (status !== 200) return { status, code: String(value.code), decided: null }
  const { allowed, decision, audit } = value
  const decided: Decided = {
    ...{ allowed, decisionId: decision.decision_id },
    ...{ id: audit.id, entryHash: audit.entry_hash },
  }
  return { status, code: '', decided }
}

/** One call; under a key until it is decided, and now and then again, or twice at once. */
async function visit(n: number): Promise<void> {
  const [name, isAllowed] = [`call-${n}`, n % 2 === 0]
  if (n % 4 === 3) {
    if (!(await ask(name, false, isAllowed)).decided) await sleep(REST)
    return
  }
  const twice = n % 10 === 0 ? [ask(name, true, isAllowed)] : []
  const until = Date.now() + SETTLED_WITHIN
  for (;;) {
    const { decided } = await ask(name, true, isAllowed)
    if (decided || Date.now() > until) break
    await sleep(REST)
  }
  await Promise.all(twice)
  if (n % 10 === 5) await ask(name, true, isAllowed)
}

async function client(): Promise<void> {
  while (!isStopped || started < calls) await visit(started++)
}

process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  isStopped = true
})
const told = setInterval(() => process.send?.(decided), 20)
await Promise.all(Array.from({ length: clients }, client))
clearInterval(told)
agent.destroy()
history.end(() => {
  process.send?.(decided, () => process.exit(0))
})
