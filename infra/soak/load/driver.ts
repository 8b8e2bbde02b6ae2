// The load of the soak, in a process of its own. Its one argument is a `LoadConfig` as JSON.
//
// First it finds out how much the stack does of this mixture. Then requests leave at a constant rate, whether those before
// were answered or not, so that the stack has the same to do all the time and a slope of its memory means something.
// It tells its parent how far it is every second, and what it saw when told to stop. It ends without a word if its
// parent does.
import { createWriteStream, type WriteStream } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSlowOnes } from './crowd.ts'
import { Draws } from './draws.ts'
import { Ground, type Kind } from './ground.ts'
import { HONEST_ERASURES, HONEST_READS } from './honest-reads.ts'
import { COME_BACK, HONEST_WRITES } from './honest-writes.ts'
import { HOSTILE } from './hostile.ts'
import type { LoadConfig } from './load.ts'
import { Tally, type Told } from './tally.ts'

const config: LoadConfig = JSON.parse(process.argv[2] ?? '')
/** At most so many requests under way, honest and hostile together; one more is not sent, and counted. */
const UNDER_WAY = 256
/** How many at once find out how much the stack does. */
const FINDERS = 32
/** Hostile requests for each honest one; and at most so many a second. */
const HOSTILE_SHARE = 0.1
const MOST_HOSTILE = 30
const TICK = 5
const honest: readonly Kind[] = [...HONEST_WRITES, ...HONEST_READS, ...HONEST_ERASURES]
const files = {
  history: createWriteStream(config.historyFile),
  checkpoints: createWriteStream(config.checkpointFile),
  decisions: createWriteStream(config.decisionFile),
}
// The gateway closes what is idle for 75 s, and says so by Keep-Alive, which this agent heeds only if it has a limit itself:
// a request on a connection that is being closed would be reset.
const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY, timeout: 60_000 })
const ground = new Ground({ ...config, agent, files })
const tally = new Tally()
let underWay = 0
let due = 0
let unsent = 0
let isStopped = false
const steady = { answered: 0, refused: 0 }

async function send(kinds: readonly Kind[], position: string): Promise<string> {
  const draws = new Draws(config.seed, position)
  const kind = draws.weighted(kinds)
  underWay++
  const sent = await kind.send(ground, draws, `${config.name}-${position}`)
  underWay--
  tally.count(kind.name, sent.outcome, sent.expected, () => `${position}: ${sent.what}`)
  return sent.outcome
}

/** Honest requests a second that are answered with what was asked for. */
async function findCapacity(seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000
  let [answered, n] = [0, 0]
  const finder = async () => {
    while (performance.now() < until) {
      if ((await send(honest, `find-${n++}`)) === '200') answered++
    }
  }
  await Promise.all(Array.from({ length: FINDERS }, finder))
  return answered / seconds
}

/** Sends them at a constant rate until the end. */
async function sendSteadily(name: 'honest' | 'hostile', rate: number): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; !isStopped; await sleep(TICK)) {
    const goal = ((performance.now() - startedAt) * rate) / 1_000
    for (; sent < goal; sent++) {
      due++
      if (underWay >= UNDER_WAY) unsent++
      else sendOne(name, sent).catch(fail)
    }
  }
}

async function sendOne(name: 'honest' | 'hostile', n: number): Promise<void> {
  const outcome = await send(name === 'honest' ? honest : HOSTILE, `${name}-${n}`)
  if (name === 'hostile') return
  steady.answered++
  if (COME_BACK.includes(outcome)) steady.refused++
}

/** A fault of the load itself: nothing that it says afterwards counts. */
function fail(error: unknown): never {
  console.error(error)
  process.exit(1)
}

const closed = (stream: WriteStream) => new Promise<void>((resolve) => stream.end(resolve))

process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  isStopped = true
})
const capacity = await findCapacity(config.findSeconds)
const rate = Math.min(config.most, config.share * capacity)
const tell = () => {
  const unexpected = Object.values(tally.unexpected).reduce((sum, { times }) => sum + times, 0)
  process.send?.({ progress: { rate, answered: tally.total(), unexpected, underWay } })
}
tell()
const told = setInterval(tell, 1_000)
const crowd = startSlowOnes(ground)
await Promise.all([
  sendSteadily('honest', rate),
  sendSteadily('hostile', Math.min(MOST_HOSTILE, HOSTILE_SHARE * rate)),
])
while (underWay > 0) await sleep(TICK)
crowd.end()
clearInterval(told)
agent.destroy()
await Promise.all(Object.values(files).map(closed))
const { counts, unexpected } = tally
const { endedAfter, stuck } = crowd.result
const result: Told = {
  ...{ capacity, rate, counts, unexpected, due, unsent, stuck },
  honest: steady,
  ended: endedAfter.length,
}
process.send?.({ told: result }, () => process.exit(0))
