import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import type { Figure } from './figures.ts'

const ENTRIES = 200_000
const MIB = 1_048_576

/**
 * The export of 200,000 entries through the gateway to a fast and to a slow reader: entries a second, and
 * by how much service and gateway grow while it streams. Linux only: memory is read from /proc.
 */
export async function benchExport(
  stack: Stack,
  database: { ownerUrl: string },
  say: (line: string) => void,
): Promise<Figure[]> {
  say(`export: filling the log to ${ENTRIES.toLocaleString('en')} entries`)
  await fill(database.ownerUrl)
  const url = `${stack.gateway.url}/mcp-audit/export?fmt=ndjson&to_id=${ENTRIES}`
  const pids = { service: stack.audit.pid() as number, gateway: stack.gateway.pid() as number }
  await read(url, 0) // warm-up: what a first export allocates once is not growth
  const figures: Figure[] = []
  for (const [kind, pauseMs] of [
    ['fast', 0],
    ['slow', 100],
  ] as const) {
    say(`export: to a ${kind} reader`)
    const before = { service: rss(pids.service), gateway: rss(pids.gateway) }
    const peak = { ...before }
    const sampler = setInterval(() => {
      peak.service = Math.max(peak.service, rss(pids.service))
      peak.gateway = Math.max(peak.gateway, rss(pids.gateway))
    }, 50)
    const start = performance.now()
    const lines = await read(url, pauseMs)
    clearInterval(sampler)
    if (lines !== ENTRIES + 1) throw new Error(`the export has ${lines} lines`)
    const seconds = (performance.now() - start) / 1000
    figures.push(
      { name: `export to a ${kind} reader`, unit: 'entries/s', values: [ENTRIES / seconds] },
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
  const filling = client.query(
    `DO $$
     BEGIN
       WHILE (SELECT coalesce(max(id), 0) FROM audit_log) < ${ENTRIES} LOOP
         PERFORM audit_append(array_agg('model.deployed'::text), array_agg('model@' || i), array_agg(true),
           array_agg('{"environment":"production","n":' || i || ',"note":"' || repeat('x', 200) || '"}'),
           array_agg(substr(sha256(int8send(i)), 1, 16)), array_agg(NULL::text), array_agg(NULL::text))
           FROM generate_series(1, 512) AS i;
         COMMIT;
       END LOOP;
     END $$`,
  )
  await filling.finally(() => client.end())
}

/** Reads an answer to its end and counts its lines, resting `pauseMs` after every MiB. */
async function read(url: string, pauseMs: number): Promise<number> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  let lines = 0
  let sinceRest = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === 0x0a) lines++
    sinceRest += chunk.length
    if (pauseMs > 0 && sinceRest > MIB) {
      sinceRest = 0
      await sleep(pauseMs)
    }
  }
  return lines
}

function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}
