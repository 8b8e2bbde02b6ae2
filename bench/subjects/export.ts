import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { residentBytes } from '@ai-governance/infra/test-support/resident-memory'
import { GOALS } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { asOwner, type Ground } from './ground.ts'

const ENTRIES = 200_000
const MIB = 1_048_576
const COPY = 'COPY of these entries to standard output by psql'
const DIRECT = 'export at the service'
const THROUGH = 'export through the gateway'
const SLOW = 'export to a slow reader through the gateway'
/** How long the slow reader rests after every MiB. */
const REST_MS = 100

/** What one export showed. */
interface Shown {
  rate: number
  /** MiB by which a process grew while it streamed, at most. */
  growth: { 'mcp-audit': number; 'mcp-gateway': number }
}

/**
 * The export of 200,000 entries at the service and through the gateway, beside COPY of the same rows, and once to a reader
 * that is slow: entries a second, and by how much service and gateway grow. Linux only: memory is read from /proc.
 */
export async function benchExport(ground: Ground): Promise<Figure[]> {
  const { stack, database, rounds, say } = ground
  say(`export: filling the log to ${ENTRIES.toLocaleString('en')} entries`)
  await asOwner(database, (owner) => fillLog(owner, ENTRIES, 200))
  const path = `/export?fmt=ndjson&to_id=${ENTRIES}`
  const direct = `${stack.audit.url}${path}`
  const through = `${stack.gateway.url}/mcp-audit${path}`
  const program = ground.program('psql', COPY)
  const noGrowth = { 'mcp-audit': 0, 'mcp-gateway': 0 }
  const copy = async (psql: string): Promise<Shown> => ({
    rate: await copyRate(psql, database.ownerUrl),
    growth: noGrowth,
  })
  const contenders = {
    ...(program && { [COPY]: () => copy(program) }),
    [DIRECT]: () => watch(ground, direct, 0),
    [THROUGH]: () => watch(ground, through, 0),
  }
  const measured = await interleave('export', contenders, rounds.count, say)
  say(`export: ${SLOW}`)
  measured[SLOW] = [await watch(ground, through, REST_MS)]
  const copied = measured[COPY]?.map(({ rate }) => rate)
  return Object.entries(measured).flatMap(([name, shown]): Figure[] => {
    const values = shown.map(({ rate }) => rate)
    const rate = { name, what: 'rate', unit: 'entries/s', values }
    if (name === COPY) return [rate]
    const ratios = name === SLOW ? [] : ratioTo('COPY', values, copied, GOALS.export)
    return [{ ...rate, ratios }, ...growthOf(name, shown)]
  })
}

function growthOf(name: string, shown: readonly Shown[]): Figure[] {
  return (['mcp-audit', 'mcp-gateway'] as const).map((process) => ({
    ...{ name, what: `growth of ${process}`, unit: 'MiB', goal: GOALS.exportMemory },
    values: shown.map(({ growth }) => growth[process]),
  }))
}

async function watch({ stack }: Ground, url: string, restMs: number): Promise<Shown> {
  const pids = [stack.audit.pid() as number, stack.gateway.pid() as number] as const
  const before = pids.map(residentBytes) as [number, number]
  const most = [...before] as [number, number]
  const sampler = setInterval(() => {
    for (const i of [0, 1] as const) most[i] = Math.max(most[i], residentBytes(pids[i]))
  }, 50)
  const start = performance.now()
  const lines = await read(url, restMs).finally(() => clearInterval(sampler))
  if (lines !== ENTRIES + 1) throw new Error(`the export has ${lines} lines`)
  return {
    rate: (1_000 * ENTRIES) / (performance.now() - start),
    growth: {
      'mcp-audit': (most[0] - before[0]) / MIB,
      'mcp-gateway': (most[1] - before[1]) / MIB,
    },
  }
}

/** Rows a second of `COPY … TO STDOUT` as psql takes them. */
async function copyRate(program: string, ownerUrl: string): Promise<number> {
  const command = `COPY (SELECT * FROM audit_log WHERE id <= ${ENTRIES}) TO STDOUT`
  const start = performance.now()
  const psql = spawn(program, ['-XAtq', '-c', command, ownerUrl], { stdio: 'ignore' })
  const [code] = await once(psql, 'exit')
  if (code !== 0) throw new Error(`psql ended with ${code}`)
  return (1_000 * ENTRIES) / (performance.now() - start)
}

/** Reads an answer to its end and counts its lines, resting after every MiB. */
async function read(url: string, restMs: number): Promise<number> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  let lines = 0
  let sinceRest = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lines++
    sinceRest += chunk.length
    if (restMs > 0 && sinceRest > MIB) {
      sinceRest = 0
      await sleep(restMs)
    }
  }
  return lines
}
