// The load of the drills, in a process of its own: whoever kills a service must not be whoever waits for its
// answers, or the answers that were on their way are read first and no request is ever in doubt.
//
// Its one argument is a `DriverConfig` as JSON. It writes a history, tells its parent how far it is every 20 ms, and
// ends when told to (`stop`) and no request that it should make is missing, after everything in doubt was asked for
// again. It ends without a word if its parent does.
import { createWriteStream } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind, Line } from './history.ts'
import type { DriverConfig, Progress } from './load.ts'
import { attempt, type Outcome, type Prepared, prepare } from './requests.ts'

const config: DriverConfig = JSON.parse(process.argv[2] ?? '')
const history = createWriteStream(config.historyFile)
const agent = new Agent({ keepAlive: true, maxSockets: config.clients })
const progress: Progress = { acked: 0, refused: 0, doubts: 0 }
const leftInDoubt: Prepared[] = []
/** A rest after a failure, in ms, as a real client would take. */
const REST = 20
let patienceMs = config.patienceMs
let started = 0
let isStopped = false

const pick = <Item>(items: readonly Item[]) =>
  items[Math.floor(Math.random() * items.length)] as Item
const note = (line: Line) => history.write(`${JSON.stringify(line)}\n`)

/** Of sixteen clients one sends batches, one registers models and one wants proofs. */
function kindOf(client: number): Kind {
  if (client % 16 === 0) return 'batch'
  if (client % 16 === 1 && config.lineageUrl !== null) return 'register'
  return client % 16 === 2 ? 'proof' : 'log'
}

const baseFor = (kind: Kind) =>
  kind === 'register' && config.lineageUrl !== null ? config.lineageUrl : pick(config.auditUrls)

async function send(request: Prepared, abandonMs?: number): Promise<Outcome> {
  const { key, kind, events } = request
  const sentAt = Date.now()
  note({ t: 'sent', key, kind, events, at: sentAt })
  const outcome = await attempt(baseFor(kind), request, agent, abandonMs)
  const at = Date.now()
  note(outcome.t === 'acked' ? { ...outcome, key, at } : { ...outcome, key, at, ms: at - sentAt })
  if (outcome.t === 'acked') progress.acked++
  else if (outcome.t === 'refused') progress.refused++
  else progress.doubts++
  return outcome
}

/** Sends it until it is acknowledged, anywhere: under one key that does no harm. What is given up stays in doubt. */
async function settle(request: Prepared): Promise<void> {
  const until = Date.now() + patienceMs
  while (Date.now() < until) {
    if ((await send(request)).t === 'acked') return
    await sleep(REST)
  }
  // After one was given up the others are not worth that much.
  patienceMs = Math.min(patienceMs, 1_000)
}

/** One request, and now and then again what was acknowledged, or twice at once, or given up and asked for again. */
async function visit(request: Prepared): Promise<void> {
  const way = Math.random() < config.retries ? pick(['again', 'twice', 'abandon'] as const) : 'once'
  const outcomes = await Promise.all([
    send(request, way === 'abandon' ? 20 * Math.random() : undefined),
    ...(way === 'twice' ? [send(request)] : []),
  ])
  if (outcomes.some(({ t }) => t === 'acked')) {
    if (way === 'again') await settle(request)
    return
  }
  await sleep(REST)
  const isOpen = outcomes.some(({ t }) => t === 'doubt')
  // Where a number of requests is wanted each has to come through; else what was refused is let go, and half of what
  // is in doubt stays so until the end.
  if (config.appends !== null || (isOpen && Math.random() < 0.5)) await settle(request)
  else if (isOpen) leftInDoubt.push(request)
}

async function client(number: number): Promise<void> {
  const kind = kindOf(number)
  while (!isStopped || started < (config.appends ?? 0)) {
    started++
    await visit(prepare(kind, `${config.name}-${started}`, number))
  }
}

process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  isStopped = true
})
const told = setInterval(() => process.send?.(progress), 20)
await Promise.all(Array.from({ length: config.clients }, (_, number) => client(number)))
await Promise.all(leftInDoubt.map(settle))
clearInterval(told)
agent.destroy()
history.end(() => {
  process.send?.(progress, () => process.exit(0))
})
