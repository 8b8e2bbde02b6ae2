import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuTime, keepOn, usableCores } from './cores.ts'
import { type Figure, median } from './figures.ts'
import { EVENT, latencyOf } from './load.ts'
import {
  GATEWAY,
  HTTP_PROXY,
  NGINX,
  type Subject,
  startSubjects,
  WITH_KEY,
} from './proxy-subjects.ts'

const CONNECTIONS = 64
/** A round of the others is so many of these: the shorter they are, the more alike a slow moment hits each proxy. */
const PARTS = 3

interface Case {
  name: string
  path: string
  /** What is sent; GET where there is nothing. */
  body?: object
}

const CASES: readonly Case[] = [
  { name: 'GET of an upstream that costs nothing', path: '/mcp-policy/policies' },
  { name: 'GET of the checkpoint key', path: '/mcp-audit/checkpoint/key' },
  { name: 'POST /log', path: '/mcp-audit/log', body: EVENT },
]

/** What was measured of one subject in one case, one value a round. */
interface Measured {
  rates: number[]
  /** µs of CPU for each request, of the proxy alone. */
  cpu: number[]
}

/**
 * The gateway beside other proxies in front of the same upstreams: requests a second over 64 connections, and the CPU
 * time that the proxy itself takes for each. Proxies are kept on one core, one of them working at a time; wrk, PostgreSQL
 * and the upstreams share another. Where that other core is the limit (a proxy's rate times its CPU time is then
 * well below one second a second), the rates of all proxies draw near to each other, and CPU time is what tells them apart.
 *
 * The gateway does more than the peers: it checks, signs and measures each call, and mcp-audit verifies what it signed.
 */
export async function benchProxy(
  database: { port: number },
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const cores = usableCores()
  const [first, second] = cores
  if (first === undefined || second === undefined) {
    say('skipped: proxy needs taskset and two cores')
    return []
  }
  const own = join(folder, 'proxy')
  mkdirSync(own)
  keepOn([second], process.pid)
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => keepOn(cores, process.pid))
  const subjects = await startSubjects(database, { folder: own, cleanup }, say)
  for (const { pid } of subjects) keepOn([first], pid)
  const figures: Figure[] = []
  for (const one of CASES) {
    const measured = await measure(one, subjects, own, rounds, say)
    figures.push(...[...measured.keys()].flatMap((name) => figuresOf(one, name, measured)))
  }
  return figures
}

async function measure(
  { name, path, body }: Case,
  subjects: readonly Subject[],
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Map<string, Measured>> {
  const measured = new Map(
    subjects.map((subject): [string, Measured] => [subject.name, { rates: [], cpu: [] }]),
  )
  const count = PARTS * rounds.count
  for (let round = 0; round <= count; round++) {
    const seconds = round ? Math.ceil(rounds.seconds / PARTS) : rounds.seconds
    say(`proxy: ${name}, round ${round} of ${count}${round ? '' : ' (warm-up)'}`)
    for (const subject of subjects) {
      const script = scriptFor(folder, subject.token, body)
      const before = cpuTime(subject.pid)
      const { rate } = await latencyOf(subject.url + path, script, CONNECTIONS, seconds)
      const cpu = (cpuTime(subject.pid) - before) / (rate * seconds)
      if (round === 0) continue
      measured.get(subject.name)?.rates.push(rate)
      measured.get(subject.name)?.cpu.push(cpu)
    }
  }
  return measured
}

/** What wrk is to send. */
function scriptFor(folder: string, token: string | undefined, body: object | undefined): string {
  const script = join(folder, 'request.lua')
  const lines = token ? [`wrk.headers["authorization"] = "Bearer ${token}"`] : []
  if (body) {
    lines.push('wrk.method = "POST"', 'wrk.headers["content-type"] = "application/json"')
    lines.push(`wrk.body = [[${JSON.stringify(body)}]]`)
  }
  writeFileSync(script, `${lines.join('\n')}\n`)
  return script
}

/** What each subject is set beside. */
const BESIDE: Record<string, readonly string[]> = {
  [GATEWAY]: [HTTP_PROXY, NGINX],
  [WITH_KEY]: [GATEWAY],
}

function figuresOf(
  { name: what }: Case,
  name: string,
  measured: ReadonlyMap<string, Measured>,
): Figure[] {
  const { rates, cpu } = measured.get(name) as Measured
  const others = (BESIDE[name] ?? []).flatMap((of) => {
    const other = measured.get(of)
    return other ? [{ of: of.split(',', 1)[0] as string, other }] : []
  })
  const beside = (values: number[], of: (other: Measured) => number[]) =>
    others.map((one) => ({ of: one.of, value: median(values) / median(of(one.other)) }))
  return [
    ...rows(
      { name: `${what}: ${name}`, unit: '/s', values: rates },
      beside(rates, (o) => o.rates),
    ),
    ...rows(
      { name: '  CPU for each', unit: 'µs', values: cpu },
      beside(cpu, (o) => o.cpu),
    ),
  ]
}

/** One row for each ratio, and one where there is none. */
function rows(figure: Figure, ratios: readonly NonNullable<Figure['ratio']>[]): Figure[] {
  const [ratio, ...more] = ratios
  const others = more.map((one) => ({ ...figure, name: '  the same', ratio: one }))
  return [{ ...figure, ...(ratio && { ratio }) }, ...others]
}
