import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countBetween, judged, loadIsWorth } from './campaign-findings.ts'
import { type Finding, p99 } from './findings.ts'
import { violations } from './invariants.ts'
import type { History } from './load/history.ts'
import { identityOf, type Load, startLoad } from './load/load.ts'
import { memoryFinding, watchMemory } from './memory.ts'
import type { Random } from './random.ts'
import { asOwner } from './server.ts'
import { until } from './wait.ts'
import type { World } from './world.ts'

export interface DrillOptions {
  folder: string
  clients: number
  /** How long the trouble lasts, and the load before and after it. */
  ms: { trouble: number; before: number; after: number }
  /** Whether times are judged, and not only told. */
  isTimed: boolean
  /** Where choices by chance come from. */
  random: Random
}

/** A time of trouble, in ms since 1970. */
export interface Trouble {
  from: number
  to: number
}

/** Somebody holds the table of the log for a while: callers are told soon, memory does not grow, and it goes on after. */
export async function lockDrill(world: World, options: DrillOptions): Promise<Finding[]> {
  let grown: number | null = null
  const { history, trouble, found } = await drill(world, options, async () => {
    const memory = watchMemory(world.audits[0]?.pid() as number)
    await asOwner(world.server.ownerUrl, async (owner) => {
      await owner.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE')
      await sleep(options.ms.trouble)
      await owner.query('COMMIT')
    })
    grown = memory.end()
  })
  const back = backAfter(history, trouble)
  return [
    ...answered(history, trouble, 'LOCK TABLE'),
    answeredWithin(history, trouble, 3_000, options.isTimed),
    memoryFinding('  memory of mcp-audit grows by (goal 50 MiB)', grown, 50, options.isTimed),
    {
      what: '  back to 95 % of the rate after (goal 5000 ms)',
      figure: back === null ? 'not in the time after it' : `${back} ms`,
      holds: options.isTimed ? back !== null && back <= 5_000 : null,
    },
    ...found,
  ]
}

/** PostgreSQL is stopped for a while. */
export async function stopDrill(world: World, options: DrillOptions): Promise<Finding[]> {
  const audit = world.audits[0]?.url as string
  let unready = 0
  let health = 0
  let retryAfter: string | null = null
  const { history, trouble, found } = await drill(world, options, async (from) => {
    await world.server.stop()
    await until('503 of /readyz', async () => (await fetch(`${audit}/readyz`)).status === 503)
    unready = Date.now() - from
    health = (await fetch(`${audit}/healthz`)).status
    const answer = await fetch(`${audit}/log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event_type: 'a', subject: 'b', decision: true }),
    })
    retryAfter = answer.status === 503 ? answer.headers.get('retry-after') : null
    await sleep(options.ms.trouble)
    await world.server.start()
  })
  return [
    ...answered(history, trouble, 'PostgreSQL stopped'),
    answeredWithin(history, trouble, 2_000, options.isTimed),
    {
      what: '  Retry-After, /healthz',
      figure: `${retryAfter} s, ${health}`,
      holds: Number(retryAfter) > 0 && health === 200,
    },
    {
      what: '  /readyz is 503 after (goal 5000 ms)',
      figure: `${unready} ms`,
      holds: options.isTimed ? unready <= 5_000 : null,
    },
    ...found,
  ]
}

async function drill(
  world: World,
  { folder, clients, ms, isTimed, random }: DrillOptions,
  trouble: (from: number) => Promise<void>,
): Promise<{ history: History; trouble: Trouble; found: Finding[] }> {
  const load: Load = startLoad({
    ...identityOf(random),
    targets: world.targets,
    focus: null,
    clients,
    historyFile: join(folder, 'history.ndjson'),
    appends: null,
    retries: 0,
    patienceMs: 60_000,
  })
  try {
    await load.acknowledges(1)
    await sleep(ms.before)
    const from = Date.now()
    await trouble(from)
    const to = Date.now()
    await load.acknowledges(1)
    await sleep(ms.after)
    const history = await load.end()
    const facts = await world.readFacts()
    const found = judged(violations(history, facts, { at: [from] }), history, undefined)
    found.push(loadAround(history, { from, to }, isTimed))
    return { history, trouble: { from, to }, found }
  } finally {
    load.kill()
  }
}

/** I7, in the second before the trouble and in the one after the first acknowledgement that follows it. */
function loadAround({ ackedAt }: History, { from, to }: Trouble, isTimed: boolean): Finding {
  const back = ackedAt.find((at) => at >= to) ?? Number.POSITIVE_INFINITY
  const rates = [
    countBetween(ackedAt, from - 1_000, from),
    countBetween(ackedAt, back, back + 1_000),
  ]
  return loadIsWorth(rates, isTimed)
}

const during = ({ failures }: History, { from, to }: Trouble) =>
  failures.filter(({ at }) => at >= from && at <= to)

/** All that was answered meanwhile was 503, and said when to come back. A trouble that nobody met shows nothing, and does not hold. */
export function answered(history: History, trouble: Trouble, what: string): Finding[] {
  const all = during(history, trouble)
  const other = all.filter(({ status }) => status !== 503)
  const bare = all.filter(({ status, retryAfter }) => status === 503 && !(Number(retryAfter) > 0))
  const seconds = Math.round((trouble.to - trouble.from) / 1_000)
  return [
    { what, figure: `${seconds} s`, holds: null },
    {
      what: '  answers are 503',
      figure: `${all.length - other.length}, other ${other.length}`,
      holds: all.length > 0 && other.length === 0,
    },
    {
      what: '  Retry-After of the 503 of mcp-audit and mcp-lineage',
      figure: `${bare.length} without`,
      holds: bare.length === 0,
    },
  ]
}

/** How long the slowest hundredth of them waited, against a goal in ms; none at all does not hold. */
export function answeredWithin(
  history: History,
  trouble: Trouble,
  goal: number,
  isTimed: boolean,
): Finding {
  const times = during(history, trouble).map(({ ms }) => ms)
  const slowest = p99(times)
  return {
    what: `  answered within (goal p99 ${goal} ms)`,
    figure: times.length > 0 ? `${slowest} ms` : 'nobody was answered',
    holds: isTimed ? times.length > 0 && slowest <= goal : null,
  }
}

/** When, from the end of the trouble on, a second begins with 95 % of what was acknowledged in one before. */
function backAfter({ ackedAt }: History, { from, to }: Trouble): number | null {
  const usual = countBetween(ackedAt, from - 2_000, from) / 2
  const last = ackedAt.at(-1) ?? to
  for (let at = to; at + 1_000 <= last; at += 50) {
    if (countBetween(ackedAt, at, at + 1_000) >= 0.95 * usual) return at - to
  }
  return null
}
