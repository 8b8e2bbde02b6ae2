import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../failure.ts'
import type { ComposeStack } from '../../smoke/compose-stack.ts'
import type { CheckedRow } from '../../test-support/check-log.ts'
import type { Subject } from '../campaign.ts'
import { FactReader, type Facts, RECORDS } from '../facts.ts'

/** A compose stack as a campaign strikes it: its load goes through the gateway, and rows are read by psql alone. */
export interface ComposeSubject extends Subject {
  stack: ComposeStack
}

const VERIFY = readFileSync(join(import.meta.dirname, '..', '..', 'verify-log.sql'), 'utf8')
const ENTRIES = `SELECT json_build_object('id', id, 'event_type', event_type, 'decision', decision,
  'details', details, 'entry_hash', encode(entry_hash, 'hex')) FROM audit_log ORDER BY id;`

/** Asks a running stack for the key of its log. */
export async function subjectOf(stack: ComposeStack): Promise<ComposeSubject> {
  const { url } = stack
  const audit = `${url}/mcp-audit`
  const answer = await fetch(`${audit}/checkpoint/key`)
  return {
    stack,
    targets: { audit: [audit], lineage: [`${url}/mcp-lineage`], gate: [url] },
    auditUrls: () => [audit],
    verifierKey: (await answer.text()).trim(),
    isFronted: true,
    chainFault: () => chainFaultOf(stack),
    readFacts: () => factsOf(stack),
  }
}

/** What PostgreSQL itself finds when it recomputes the chain, as psql prints it. */
async function chainFaultOf(stack: ComposeStack): Promise<string | null> {
  const { ok, reason } = JSON.parse(await stack.psql(VERIFY))
  return ok ? null : String(reason)
}

async function factsOf(stack: ComposeStack): Promise<Facts> {
  const reader = new FactReader()
  reader.facts.chainFault = await chainFaultOf(stack)
  for (const row of await rowsOf<CheckedRow>(stack, ENTRIES)) reader.takeEntry(row)
  const records = `SELECT row_to_json(record) FROM (${RECORDS}) AS record;`
  return reader.end(await rowsOf(stack, records))
}

async function rowsOf<Row>(stack: ComposeStack, sql: string): Promise<Row[]> {
  const lines = (await stack.psql(sql)).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

/** Longest wait for a container to be healthy again, in ms: its health is asked for every 5 s. */
const PATIENCE = 120_000

/**
 * Kills every process of a service's containers but the first, which then ends, so that the restart policy acts, as
 * it does not where the engine is told to kill. Resolves when each was started again by it and is healthy.
 */
export async function killProcesses({ stack }: ComposeSubject, service: string): Promise<void> {
  for (const id of await stack.idsOf(service)) {
    const before = (await stateOf(stack, id)).restarts
    // The shell that is told to is not killed by its own signal, and may end with its container.
    await stack.docker(['exec', id, 'sh', '-c', 'kill -9 -1'], {
      allow: [1, 126, 128, 129, 137, 143],
    })
    for (const deadline = Date.now() + PATIENCE; ; await sleep(100)) {
      const { restarts, health } = await stateOf(stack, id)
      if (restarts > before && health === 'healthy') break
      if (Date.now() < deadline) continue
      throw new Failure(`${service} is ${health} after ${restarts - before} restarts.`)
    }
  }
}

async function stateOf(stack: ComposeStack, id: string) {
  const format = '{{.RestartCount}} {{.State.Health.Status}}'
  const { stdout } = await stack.docker(['inspect', '-f', format, id])
  const [restarts, health = ''] = stdout.trim().split(' ')
  return { restarts: Number(restarts), health }
}
