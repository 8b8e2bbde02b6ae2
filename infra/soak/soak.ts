import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding } from '../faults/findings.ts'
import { stopping } from '../faults/leftovers.ts'
import { type Changes, changeSomething } from './changes.ts'
import { judgeRun, type Seen } from './judge.ts'
import { type LoadConfig, type SoakLoad, startSoakLoad } from './load/load.ts'
import type { Told } from './load/tally.ts'
import { type Sample, sample, totals } from './samples.ts'
import { errorsIn } from './service-logs.ts'
import { type SoakStack, startSoakStack } from './stack.ts'
import { judgeLog } from './whole-log.ts'

export interface SoakOptions {
  /** Holds all data; whoever made it removes it. */
  folder: string
  /** Of steady load. */
  minutes: number
  seed: number
  /** The share of what the stack does that is asked of it, and at most so many requests a second. */
  share: number
  most: number
  say: (line: string) => void
  /** Where each sample goes as a line of CSV, or null. */
  csv: string | null
}

export interface SoakResult {
  findings: Finding[]
  told: Told
  samples: Sample[]
}

const SAMPLE_EVERY = 5_000
const CHANGE_EVERY = 15_000
const FIND_SECONDS = 4
/** Until what was under way at the end of the load is done with, on both sides, in ms. */
const REST = 12_000

/** Runs the stack under its load, and judges all that was seen of it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const cleanup = new AsyncDisposableStack()
  return stopping(
    () => cleanup.disposeAsync(),
    () => soakStack(cleanup, options),
  )
}

async function soakStack(cleanup: AsyncDisposableStack, options: SoakOptions): Promise<SoakResult> {
  const { folder, minutes, say } = options
  say('starting the stack')
  const running = await startSoakStack(folder, cleanup)
  const config = configOf(running, options)
  const load = startSoakLoad(config)
  cleanup.defer(() => load.kill())
  await load.steady()
  const { samples, changes } = await watch(running, load, minutes, options)
  say('the load ends')
  const told = await load.end()
  const rest = await atRest(running, minutes)
  const counted = await Promise.all(
    [...running.services].map(([name, service]) => totals(name, service)),
  )
  say('reading and verifying the log')
  const log = await judgeLog(running, config, join(folder, 'export.ndjson'))
  const errors: Seen['errors'] = new Map(
    await Promise.all(
      [...running.services].map(
        async ([name, { logFile }]) => [name, await errorsIn(logFile)] as const,
      ),
    ),
  )
  const findings = [
    ...judgeRun({ told, samples, rest, totals: counted, errors }),
    judgeChanges(changes),
    ...log,
  ]
  return { findings, told, samples }
}

function configOf({ stack, tokens, aibom }: SoakStack, options: SoakOptions): LoadConfig {
  const { folder, seed, share, most } = options
  return {
    ...{ name: `soak-${seed}`, seed, tokens, aibom, share, most },
    gatewayUrl: stack.gateway.url,
    historyFile: join(folder, 'history.ndjson'),
    checkpointFile: join(folder, 'checkpoints.txt'),
    decisionFile: join(folder, 'decisions.ndjson'),
    findSeconds: FIND_SECONDS,
  }
}

/** Looks at all services every five seconds, changes something now and then, and says once a minute how it goes. */
async function watch(
  running: SoakStack,
  load: SoakLoad,
  minutes: number,
  { say, csv }: SoakOptions,
): Promise<{ samples: Sample[]; changes: Changes }> {
  const samples: Sample[] = []
  const changes: Changes = { made: {}, failed: [] }
  const lines = csv === null ? null : createWriteStream(csv)
  lines?.write('service,minute,resident,heap,external,delay_ms,open\n')
  const startedAt = performance.now()
  const passed = () => (performance.now() - startedAt) / 60_000
  const changing = changeOften(running, changes, () => passed() < minutes)
  for (let n = 0; passed() < minutes; n++) {
    const all = await sampleAll(running, passed())
    samples.push(...all)
    for (const one of all) lines?.write(`${csvLine(one)}\n`)
    if ((n * SAMPLE_EVERY) % 60_000 === 0) say(progress(passed(), load, all))
    await sleep(Math.max(0, startedAt + (n + 1) * SAMPLE_EVERY - performance.now()))
  }
  await changing
  lines?.end()
  return { samples, changes }
}

async function changeOften(running: SoakStack, changes: Changes, goesOn: () => boolean) {
  while (goesOn()) {
    await changeSomething(running, changes)
    await sleep(CHANGE_EVERY)
  }
}

function sampleAll({ services }: SoakStack, minute: number): Promise<Sample[]> {
  return Promise.all([...services].map(([name, service]) => sample(name, service, minute)))
}

/** What is left once all clients have gone; the gateway lets calls of those who left run to their end. */
async function atRest(running: SoakStack, minutes: number): Promise<Sample[]> {
  const until = Date.now() + REST
  for (;;) {
    const all = await sampleAll(running, minutes)
    const isEmpty = all.every(({ queues }) => Object.values(queues).every((value) => value === 0))
    if (isEmpty || Date.now() > until) return all
    await sleep(200)
  }
}

function csvLine(one: Sample): string {
  const { service, minute, resident, heap, external, delay, open } = one
  const numbers = [minute.toFixed(3), resident, heap, external, delay.toFixed(1), open]
  return [JSON.stringify(service), ...numbers].join(',')
}

function progress(minute: number, load: SoakLoad, samples: readonly Sample[]): string {
  const { rate, answered, unexpected, underWay } = load.progress()
  const memory = samples.map(
    ({ service, resident }) => `${service} ${Math.round(resident / 2 ** 20)}`,
  )
  return (
    `minute ${minute.toFixed(0)}: ${rate?.toFixed(0)}/s, ${answered} answered, ${unexpected} unexpected, ` +
    `${underWay} under way; MiB: ${memory.join(', ')}`
  )
}

function judgeChanges({ made, failed }: Changes): Finding {
  const counts = Object.entries(made).map(([what, times]) => `${times} × ${what}`)
  return {
    what: 'changes while it ran, seen to count',
    figure: [...failed.map((what) => `not ${what}`), ...counts].join(', '),
    holds: failed.length === 0 && counts.length > 0,
  }
}
