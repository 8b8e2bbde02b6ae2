// The load of the drills, in a process of its own: whoever kills a service must not be whoever waits for its
// answers, or the answers that were on their way are read first and no request is ever in doubt.
//
// Its one argument is a `DriverConfig` as JSON. It writes a history, tells its parent how far it is every 20 ms, and
// ends when told to (`stop`) and no request that it should make is missing, after everything in doubt was asked for
// again. It ends without a word if its parent does.
import { createWriteStream } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../random.ts'
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

const note = (line: Line) => history.write(`${JSON.stringify(line)}\n`)

/** Of sixteen clients one sends batches, one registers models, one wants proofs and one decisions. */
function kindOf(client: number): Kind {
  const { targets, focus } = config
  if (focus !== null && client % 2 === 1) return focus
  const place = client % 16
  if (place === 0) return 'batch'
  if (place === 2) return 'proof'
  if (place === 4 && targets.lineage.length > 0) return 'register'
  return place === 6 && targets.gate.length > 0 ? 'gate' : 'log'
}

function basesFor(kind: Kind): readonly string[] {
  const { audit, lineage, gate } = config.targets
  if (kind === 'gate') return gate
  return kind === 'register' ? lineage : audit
}

async function send(request: Prepared, random: Random, abandonMs?: number): Promise<Outcome> {
  const { key, kind, events } = request
  const sentAt = Date.now()
  note({ t: 'sent', key, kind, events, at: sentAt })
  const outcome = await attempt(random.pick(basesFor(kind)), request, agent, abandonMs)
  const at = Date.now()
  note(outcome.t === 'acked' ? { ...outcome, key, at } : { ...outcome, key, at, ms: at - sentAt })
  if (outcome.t === 'acked') progress.acked++
  else if (outcome.t === 'refused') progress.refused++
  else progress.doubts++
  return outcome
}

/** Sends it until it is acknowledged, anywhere: under one key that does no harm. What is given up stays in doubt. */
async function settle(request: Prepared, random: Random): Promise<void> {
  const until = Date.now() + patienceMs
  while (Date.now() < until) {
    if ((await send(request, random)).t === 'acked') return
    await sleep(REST)
  }
  // After one was given up the others are not worth that much.
  patienceMs = Math.min(patienceMs, 1_000)
}

/** One request, and now and then again what was acknowledged, or twice at once, or given up and asked for again. */
async function visit(request: Prepared, random: Random): Promise<void> {
  const isRepeated = random.next() < config.retries
  const way = isRepeated ? random.pick(['again', 'twice', 'abandon'] as const) : 'once'
  // Drawn now, since how often one is drawn later depends on the answers.
  const [patience, isSettled] = [20 * random.next(), random.next() < 0.5]
  const attempts = random.derive(request.key)
  const outcomes = await Promise.all([
    send(request, attempts, way === 'abandon' ? patience : undefined),
    ...(way === 'twice' ? [send(request, attempts)] : []),
  ])
  if (outcomes.some(({ t }) => t === 'acked')) {
    if (way === 'again') await settle(request, attempts)
    return
  }
  await sleep(REST)
  const isOpen = outcomes.some(({ t }) => t === 'doubt')
  // Where a number of requests is wanted each has to come through; else what was refused is let go, and half of what
  // is in doubt stays so until the end.
  if (config.appends !== null || (isOpen && isSettled)) await settle(request, attempts)
  else if (isOpen) leftInDoubt.push(request)
}

async function client(number: number): Promise<void> {
  const kind = kindOf(number)
  // Its own, so that what it asks for does not depend on how fast the others are.
  const random = new Random(config.seed).derive(`client ${number}`)
  for (let n = 1; !isStopped || started < (config.appends ?? 0); n++) {
    started++
    await visit(prepare(kind, `${config.name}-${number}-${n}`, number, random.next()), random)
  }
}

process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  isStopped = true
})
const told = setInterval(() => process.send?.(progress), 20)
await Promise.all(Array.from({ length: config.clients }, (_, number) => client(number)))
const last = new Random(config.seed).derive('left in doubt')
await Promise.all(leftInDoubt.map((request) => settle(request, last)))
clearInterval(told)
agent.destroy()
history.end(() => {
  process.send?.(progress, () => process.exit(0))
})
