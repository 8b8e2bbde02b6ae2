import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { processorTime } from '@ai-governance/infra/test-support/processor-time'
import { GOALS, type Goal } from '../goals.ts'
import { keepOn, usableCores } from '../load/cores.ts'
import { halvedRounds, interleave } from '../load/rounds.ts'
import { needOf } from '../peers/programs.ts'
import { type Figure, median, type Ratio, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import type { Ground } from './ground.ts'
import { GATEWAY, HTTP_PROXY, NGINX, type RunningProxy, startProxies, WITH_KEY } from './proxies.ts'

const CONNECTIONS = 64

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

/**
 * The gateway beside other proxies in front of the same upstreams: requests a second over 64 connections, and the CPU
 * time that the proxy itself takes for each. Proxies are kept on one core, one of them working at a time; wrk, PostgreSQL
 * and the upstreams share another. Where that other core is the limit, the rates of all proxies draw near to each other, and CPU
 * time is what tells them apart; a ratio of rates has a goal only where both proxies were at the limit of their own.
 *
 * The gateway does more than the peers: it checks, signs and measures each call, and mcp-audit verifies what it signed.
 */
export async function benchProxy(ground: Ground): Promise<Figure[]> {
  const { database, folder, programs, skipped } = ground
  const cores = usableCores()
  const [first, second] = cores
  if (first === undefined || second === undefined) {
    skipped.push({ name: 'proxies, each on one core', needs: `two cores and ${needOf('taskset')}` })
    return []
  }
  if (!programs.nginx) ground.program('nginx', NGINX)
  const own = join(folder, 'proxy')
  mkdirSync(own)
  keepOn([second], process.pid)
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => keepOn(cores, process.pid))
  const proxies = await startProxies(database, programs.nginx, { folder: own, cleanup })
  for (const { pid } of proxies) keepOn([first], pid)
  const figures: Figure[] = []
  for (const one of CASES) figures.push(...(await measureCase(one, proxies, ground)))
  return figures
}

/** So many µs of CPU a second and more: the proxy's own core is what limits its rate. */
const AT_ITS_LIMIT = 900_000

/** What was measured of one proxy in one case and round. */
export interface Measured {
  rate: number
  /** µs of CPU for each request, of the proxy alone. */
  cpu: number
}

async function measureCase(
  { name, path, body }: Case,
  proxies: readonly RunningProxy[],
  { load, rounds, say }: Ground,
): Promise<Figure[]> {
  const { count, seconds } = halvedRounds(rounds)
  const measure = (proxy: RunningProxy) => async (): Promise<Measured> => {
    const call = {
      url: proxy.url + path,
      ...(body && { body }),
      ...(proxy.token && { headers: { authorization: `Bearer ${proxy.token}` } }),
    }
    const before = processorTime(proxy.pid)
    const { rate } = await load(call, { connections: CONNECTIONS, seconds })
    return { rate, cpu: (processorTime(proxy.pid) - before) / (rate * seconds) }
  }
  const contenders = Object.fromEntries(proxies.map((proxy) => [proxy.name, measure(proxy)]))
  const measured = await interleave(`proxy: ${name}`, contenders, count, say)
  return proxies.flatMap((proxy) => figuresOf(name, proxy.name, measured))
}

/** What each proxy is set beside, and what it should reach there by rate, where the rates tell them apart. */
const BESIDE: Record<string, readonly [of: string, goal: Goal][]> = {
  [GATEWAY]: [
    [HTTP_PROXY, GOALS.proxyFastify],
    [NGINX, GOALS.proxyNginx],
  ],
  [WITH_KEY]: [[GATEWAY, GOALS.proxyKeys]],
}

/** The figures of the proxy `name` in the case `what`, beside others of the same case. */
export function figuresOf(
  what: string,
  name: string,
  measured: Readonly<Record<string, Measured[]>>,
): Figure[] {
  const isLimit = (proxy: string) =>
    median((measured[proxy] ?? []).map(({ rate, cpu }) => rate * cpu)) >= AT_ITS_LIMIT
  const of = (proxy: string, part: keyof Measured) => measured[proxy]?.map((one) => one[part])
  const beside = (part: keyof Measured): Ratio[] =>
    (BESIDE[name] ?? []).flatMap(([other, goal]) =>
      ratioTo(
        other,
        of(name, part) ?? [],
        of(other, part),
        part === 'rate' && isLimit(name) && isLimit(other) ? goal : undefined,
      ),
    )
  const title = `${what}: ${name}`
  return [
    {
      ...{ name: title, what: 'rate', unit: '/s', values: of(name, 'rate') ?? [] },
      ratios: beside('rate'),
    },
    {
      ...{ name: title, what: 'CPU of each', unit: 'µs', values: of(name, 'cpu') ?? [] },
      ratios: beside('cpu'),
    },
  ]
}
