import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Facts } from './facts.ts'
import type { Fault, FaultFacts } from './faults.ts'
import { type Violation, violations } from './invariants.ts'
import type { History, Kind } from './load/history.ts'
import { identityOf, type Load, startLoad, type Targets } from './load/load.ts'
import { verifyOffline } from './offline.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** What a campaign is run against: whatever its faults strike, it asks for no more than this. */
export interface Subject {
  targets: Targets
  /** Where checkpoints are taken, so that each replica has to give some; the first one exports. */
  auditUrls(): readonly string[]
  verifierKey: string
  /**
   * Whether somebody takes connections for a gateway that does not run, as the engine does at a port that it publishes:
   * then what never arrived is in doubt too, and how much that is says nothing.
   */
  isFronted: boolean
  /** Looks past all services for what does not fit in the chain of the log, and says it in words, or null. */
  chainFault(): Promise<string | null>
  /** Reads every row past all services. */
  readFacts(): Promise<Facts>
}

export interface CampaignOptions<Struck extends Subject = World> {
  folder: string
  clients: number
  /** How often each fault strikes, one after the other. */
  faults: readonly (readonly [fault: Fault<Struck>, times: number])[]
  /** What every other client asks for; left out, one in sixteen asks for each kind but plain entries. */
  focus?: Kind
  /** Where choices by chance come from. */
  random: Random
  /**
   * What must be acknowledged at least between two strikes, and for how long, in ms, the load goes on undisturbed. Up
   * to a tenth more is acknowledged by chance.
   */
  between: { acknowledged: number; ms: number }
  /** For how long, in ms, the load goes on before the first strike and after the last, beside what lies between strikes. */
  around?: number
  /** The least number of requests, and the share of them that is repeated; the load ends after the last fault. */
  appends?: { count: number; retries: number }
  /** For how long a request is asked for again until it is acknowledged; usually a minute. */
  patienceMs?: number
  say: (line: string) => void
}

/** One strike, in ms since 1970. */
export interface Strike {
  fault: FaultFacts
  at: number
  /** When it was mended. */
  healthyAt: number
}

/** What came of it all. */
export interface CampaignResult {
  strikes: Strike[]
  history: History
  violations: Violation[]
  /** How many might be in doubt after each fault; undefined where that is not counted. */
  mostDoubts: number | undefined
  /** Entries at the end. */
  entries: number
  /** Checkpoints that were taken at the start and after strikes. */
  checkpoints: number
}

/**
 * Faults under load, and what an independent reader, the signer and both offline verifiers say of it: the reader and
 * the signer after each of them, the verifiers at the end, with every checkpoint that was taken.
 */
export async function runCampaign<Struck extends Subject = World>(
  world: Struck,
  options: CampaignOptions<Struck>,
): Promise<CampaignResult> {
  const { folder, clients, appends, random, say } = options
  const load = startLoad({
    ...identityOf(random),
    targets: world.targets,
    focus: options.focus ?? null,
    clients,
    historyFile: join(folder, 'history.ndjson'),
    appends: appends?.count ?? null,
    retries: appends?.retries ?? 0,
    patienceMs: options.patienceMs ?? 60_000,
  })
  const watch = new Watch(world)
  const strikes: Strike[] = []
  try {
    await watch.look(load)
    await sleep(options.around ?? 0)
    for (const [fault, times] of options.faults) {
      for (let n = 1; n <= times; n++) {
        strikes.push(await strikeOnce(world, load, fault, options))
        await watch.look(load)
        say(`${fault.name}: ${n} of ${times}; ${load.progress().acked} acknowledged`)
      }
    }
    await sleep(options.around ?? 0)
    if (!appends) await undisturbed(load, options)
    const history = await load.end()
    return await judge(world, options, { strikes, history, watch })
  } finally {
    load.kill()
  }
}

async function strikeOnce<Struck extends Subject>(
  world: Struck,
  load: Load,
  fault: Fault<Struck>,
  options: CampaignOptions<Struck>,
): Promise<Strike> {
  await undisturbed(load, options)
  // Not always at the same point of a batch.
  await load.acknowledges(1 + options.random.below(Math.ceil(options.between.acknowledged / 10)))
  const at = Date.now()
  await fault.strike(world)
  const healthyAt = Date.now()
  await load.acknowledges(1)
  return { fault, at, healthyAt }
}

async function undisturbed(
  load: Load,
  { between }: Pick<CampaignOptions, 'between'>,
): Promise<void> {
  await Promise.all([load.acknowledges(between.acknowledged), sleep(between.ms)])
}

async function judge(
  world: Subject,
  { folder, clients, appends }: Pick<CampaignOptions, 'folder' | 'clients' | 'appends'>,
  { strikes, history, watch }: { strikes: Strike[]; history: History; watch: Watch },
): Promise<CampaignResult> {
  const facts = await world.readFacts()
  const isCounted = !appends && !world.isFronted && strikes.every(({ fault }) => fault.isSudden)
  const mostDoubts = isCounted ? clients : undefined
  const at = strikes.map((strike) => strike.at)
  const found = violations(history, facts, { at, mostDoubts })
  if (strikes.length > 0 && strikes.every(({ fault }) => fault.isOrderly)) {
    found.push(...unanswered(history))
  }
  const notes = join(folder, 'notes.txt')
  writeFileSync(notes, watch.notes.join('\n'))
  const file = join(folder, 'export.ndjson')
  await saveExport(world.auditUrls()[0] as string, file)
  const evidence = { key: world.verifierKey, checkpoints: watch.notes.length > 0 ? notes : null }
  const verdict = await verifyOffline(file, evidence)
  if (verdict.result !== 'verified') {
    const what = `both verifiers, with all checkpoints: ${verdict.result}, ${verdict.reason}`
    found.push({ invariant: 'I2', what, times: 1 })
  }
  return {
    strikes,
    history,
    violations: [...found, ...watch.violations],
    mostDoubts,
    entries: facts.hashes.length,
    checkpoints: watch.notes.length,
  }
}

/** After orderly ends alone: what was carried out was answered, so no request in doubt was. */
function unanswered({ requests }: History): Violation[] {
  const replayed = [...requests].filter(([, { doubts, acks }]) => doubts > 0 && acks[0]?.replayed)
  const [first] = replayed
  if (!first) return []
  const what = `${first[0]} was under way at an orderly end, was carried out and was not answered`
  return [{ invariant: 'I4', what, times: replayed.length }]
}

/** Streams the whole log to a file. */
export async function saveExport(auditUrl: string, file: string): Promise<void> {
  const answer = await fetch(`${auditUrl}/export?fmt=ndjson`)
  if (!answer.ok || !answer.body) throw new Error(`the export was answered ${answer.status}`)
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(file))
}

/** Looks at the log while the load goes on: its chain, and a checkpoint of each replica. */
class Watch {
  readonly notes: string[] = []
  readonly violations: Violation[] = []
  readonly #world: Subject

  constructor(world: Subject) {
    this.#world = world
  }

  async look(load: Load): Promise<void> {
    for (const url of this.#world.auditUrls()) await this.#checkpoint(url, load)
    const chainFault = await this.#world.chainFault()
    if (chainFault !== null) this.violations.push({ invariant: 'I2', what: chainFault, times: 1 })
  }

  /** A replica may need a moment until it has a connection again, and no longer than others have theirs. */
  async #checkpoint(url: string, load: Load): Promise<void> {
    for (let tries = 1; ; tries++) {
      const answer = await fetch(`${url}/checkpoint`)
      const text = await answer.text()
      if (answer.ok) {
        this.notes.push(text)
        return
      }
      const { code, detail } = JSON.parse(text)
      if (tries > 100 || !/^(database_|outcome_)/.test(code)) {
        const what = `no checkpoint after a fault: ${answer.status} ${code}, ${detail}`
        this.violations.push({ invariant: 'I2', what, times: 1 })
        return
      }
      await load.acknowledges(1)
    }
  }
}
