import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { residentBytes } from '@ai-governance/infra/test-support/resident-memory'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import { type Figure, median } from './figures.ts'

const ENTRIES = 200_000
const MIB = 1_048_576
const COPY = 'COPY of these entries to standard output by psql'

/**
 * The export of 200,000 entries to a fast reader, at the service and through the gateway, and to a slow one: entries a
 * second, and by how much service and gateway grow while it streams. Linux only: memory is read from /proc.
 */
export async function benchExport(
  stack: Stack,
  database: { ownerUrl: string },
  say: (line: string) => void,
): Promise<Figure[]> {
  say(`export: filling the log to ${ENTRIES.toLocaleString('en')} entries`)
  await fill(database.ownerUrl)
  const path = `/export?fmt=ndjson&to_id=${ENTRIES}`
  const direct = `${stack.audit.url}${path}`
  const url = `${stack.gateway.url}/mcp-audit${path}`
  const pids = { service: stack.audit.pid() as number, gateway: stack.gateway.pid() as number }
  await read(url, 0) // warm-up: what a first export allocates once is not growth
  const copied = await copyRates(database)
  const figures: Figure[] = []
  if (copied) figures.push({ name: COPY, unit: 'rows/s', values: copied })
  else say('skipped: psql is not installed')
  for (const [kind, from, pauseMs] of [
    ['to a fast reader, at the service', direct, 0],
    ['to a fast reader, through the gateway', url, 0],
    ['to a slow reader, through the gateway', url, 100],
  ] as const) {
    say(`export: ${kind}`)
    const before = { service: residentBytes(pids.service), gateway: residentBytes(pids.gateway) }
    const peak = { ...before }
    const sampler = setInterval(() => {
      peak.service = Math.max(peak.service, residentBytes(pids.service))
      peak.gateway = Math.max(peak.gateway, residentBytes(pids.gateway))
    }, 50)
    const start = performance.now()
    const lines = await read(from, pauseMs)
    clearInterval(sampler)
    if (lines !== ENTRIES + 1) throw new Error(`the export has ${lines} lines`)
    const seconds = (performance.now() - start) / 1000
    figures.push(
      {
        name: `export ${kind}`,
        unit: 'entries/s',
        values: [ENTRIES / seconds],
        ...(copied && { ratio: { of: 'COPY', value: ENTRIES / seconds / median(copied) } }),
      },
      {
        name: `  growth of mcp-audit`,
        unit: 'MiB',
        values: [(peak.service - before.service) / MIB],
      },
      {
        name: `  growth of mcp-gateway`,
        unit: 'MiB',
        values: [(peak.gateway - before.gateway) / MIB],
      },
    )
  }
  return figures
}

async function fill(ownerUrl: string): Promise<void> {
  const client = new Client({ connectionString: ownerUrl })
  client.on('error', () => {})
  await client.connect()
  await fillLog(client, ENTRIES, 200).finally(() => client.end())
}

/** Rows a second of `COPY … TO STDOUT` as psql takes them; null where there is no psql. */
async function copyRates(database: { ownerUrl: string }): Promise<number[] | null> {
  const rates: number[] = []
  const command = `COPY (SELECT * FROM audit_log WHERE id <= ${ENTRIES}) TO STDOUT`
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    const psql = spawn('psql', ['-XAtq', '-c', command, database.ownerUrl], { stdio: 'ignore' })
    const [code] = await Promise.race([once(psql, 'exit'), once(psql, 'error').then(() => [null])])
    if (code === null) return null
    if (code !== 0) throw new Error('psql failed')
    rates.push((1_000 * ENTRIES) / (performance.now() - start))
  }
  return rates
}

/** Reads an answer to its end and counts its lines, resting `pauseMs` after every MiB. */
async function read(url: string, pauseMs: number): Promise<number> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  let lines = 0
  let sinceRest = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lines++
    sinceRest += chunk.length
    if (pauseMs > 0 && sinceRest > MIB) {
      sinceRest = 0
      await sleep(pauseMs)
    }
  }
  return lines
}
