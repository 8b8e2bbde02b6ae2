import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { watchResident } from '@ai-governance/infra/test-support/resident-memory'
import { GOALS } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { asOwner, type Ground, readsProc } from './ground.ts'

const ENTRIES = 200_000
const MIB = 1_048_576
const COPY = 'COPY of these entries to standard output by psql'
const DIRECT = 'export at the service'
const THROUGH = 'export through the gateway'
const SLOW = 'export to a slow reader through the gateway'
/** How long the slow reader rests after every MiB. */
const REST_MS = 100
/** What goes before: so many exports of so many entries let the heap find its size for an export, but not for a long one. */
const SHORT = { exports: 5, entries: ENTRIES / 10 }

/**
 * The export of 200,000 entries at the service and through the gateway, beside COPY of the same rows, and once to a reader
 * that is slow: entries a second, and by how much service and gateway grow from what exports of a tenth of that took to the most
 * of any of these, the one that warms up included. What does not stream takes ten times as much.
 */
export async function benchExport(ground: Ground): Promise<Figure[]> {
  const { stack, database, rounds, say } = ground
  say(`export: filling the log to ${ENTRIES.toLocaleString('en')} entries`)
  await asOwner(database, (owner) => fillLog(owner, ENTRIES, 200))
  const direct = `${stack.audit.url}/export?fmt=ndjson&to_id=`
  const through = `${stack.gateway.url}/mcp-audit/export?fmt=ndjson&to_id=`
  const program = ground.program('psql', COPY)
  say(`export: exports of ${SHORT.entries.toLocaleString('en')} entries, to see what long ones add`)
  for (let n = 0; n < SHORT.exports; n++) {
    for (const url of [direct, through]) await read(url + SHORT.entries, 0)
  }
  const processes = { 'mcp-audit': stack.audit, 'mcp-gateway': stack.gateway }
  const memory = Object.entries(processes).map(([process, service]) => ({
    ...{ process, watched: watchResident(service.pid() as number) },
  }))
  const contenders = {
    ...(program && { [COPY]: () => copyRate(program, database.ownerUrl) }),
    [DIRECT]: () => rateOf(direct + ENTRIES, 0),
    [THROUGH]: () => rateOf(through + ENTRIES, 0),
  }
  const measured = await interleave('export', contenders, rounds.count, say)
  say(`export: ${SLOW}`)
  measured[SLOW] = [await rateOf(through + ENTRIES, REST_MS)]
  const rates = Object.entries(measured).map(([name, values]): Figure => {
    const isBeside = name === DIRECT || name === THROUGH
    const ratios = isBeside ? ratioTo('COPY', values, measured[COPY], GOALS.export) : []
    return { name, what: 'rate', unit: 'entries/s', values, ratios }
  })
  const grown = memory.map(({ process, watched }): Figure => {
    const { first, most } = watched.end()
    return {
      ...{ name: 'all of these exports', what: `growth of ${process} at most`, unit: 'MiB' },
      ...{ values: [(most - first) / MIB], goal: GOALS.exportMemory },
    }
  })
  return readsProc(ground, 'growth of memory by exports') ? [...rates, ...grown] : rates
}

/** Entries a second of one export to a reader that rests so long after every MiB. */
async function rateOf(url: string, restMs: number): Promise<number> {
  const start = performance.now()
  const lines = await read(url, restMs)
  if (lines !== ENTRIES + 1) throw new Error(`the export has ${lines} lines`)
  return (1_000 * ENTRIES) / (performance.now() - start)
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
