import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readFacts } from '../faults/facts.ts'
import type { Finding } from '../faults/findings.ts'
import { readDecisions } from '../faults/gate/decisions.ts'
import { violations } from '../faults/invariants.ts'
import { readHistory } from '../faults/load/history.ts'
import { verifyOffline } from '../faults/offline.ts'
import type { Answered } from './load/ground.ts'
import type { LoadConfig } from './load/load.ts'
import type { SoakStack } from './stack.ts'

/** What the log and the lineage hold at the end, against all that anybody was told on the way. */
export async function judgeLog(
  soak: SoakStack,
  load: LoadConfig,
  exportFile: string,
): Promise<Finding[]> {
  return [
    await offline(soak, load, exportFile),
    await verifyInSteps(soak, 'mcp-audit', 'entries'),
    await verifyInSteps(soak, 'mcp-lineage', 'records'),
    await history(soak, load),
    await decisions(soak, load),
  ]
}

async function offline(
  { stack, tokens }: SoakStack,
  { checkpointFile }: LoadConfig,
  file: string,
): Promise<Finding> {
  const headers = { authorization: `Bearer ${tokens.honest[0]}` }
  const answer = await fetch(`${stack.gateway.url}/mcp-audit/export?fmt=ndjson`, { headers })
  if (!answer.ok || !answer.body) throw new Error(`the export was answered ${answer.status}`)
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(file))
  const kept = [...readFileSync(checkpointFile, 'utf8').matchAll(/^\u2014 /gm)].length
  const checkpoints = kept > 0 ? checkpointFile : null
  const { result, entries, reason } = await verifyOffline(file, {
    key: stack.verifierKey,
    checkpoints,
  })
  return {
    what: 'both offline verifiers',
    figure: `${result}, ${entries} entries, ${kept} checkpoints kept${reason ? `: ${reason}` : ''}`,
    holds: result === 'verified' && kept > 0,
  }
}

interface Step {
  ok: boolean
  reason: string | null
  next_from_id: number | null
  entries?: number
  records?: number
}

/** `GET /verify` of a service, from the first to the last. */
async function verifyInSteps(
  { stack, tokens }: SoakStack,
  service: string,
  counted: 'entries' | 'records',
): Promise<Finding> {
  const headers = { authorization: `Bearer ${tokens.honest[0]}` }
  let count = 0
  for (let from: number | null = 1; from !== null; ) {
    const answer = await fetch(`${stack.gateway.url}/${service}/verify?from_id=${from}`, {
      headers,
    })
    const step = (await answer.json()) as Step
    if (!answer.ok || !step.ok) {
      const figure = `${answer.status} ${JSON.stringify(step)}`
      return { what: `GET /${service}/verify`, figure, holds: false }
    }
    count += step[counted] ?? 0
    from = step.next_from_id
  }
  return { what: `GET /${service}/verify`, figure: `ok, ${count} ${counted}`, holds: count > 0 }
}

/** Every acknowledged write is there once, as it was acknowledged, and what was refused is not. */
async function history({ server }: SoakStack, load: LoadConfig): Promise<Finding> {
  const history = await readHistory(load.name, load.historyFile)
  const facts = await readFacts(server.ownerUrl)
  const found = violations(history, facts, { at: [] })
  const [first] = found
  const acked = [...history.requests.values()].filter(({ acks }) => acks.length > 0)
  const entries = acked.reduce((sum, { events }) => sum + events, 0)
  return {
    what: 'acknowledged writes that are there once',
    figure: first
      ? `${first.invariant}: ${first.what}; ${first.times} times, and ${found.length - 1} other sorts`
      : `all ${acked.length}, ${entries} entries, ${history.proofs.length} proofs`,
    holds: found.length === 0 && acked.length > 0,
  }
}

/** Every decision that was answered is on the log, and says the same there. */
async function decisions({ server }: SoakStack, load: LoadConfig): Promise<Finding> {
  const recorded = await readDecisions(server.ownerUrl)
  const wrong: string[] = []
  let count = 0
  for await (const line of createInterface({ input: createReadStream(load.decisionFile) })) {
    const { id, entryHash, allowed, decisionId }: Answered = JSON.parse(line)
    const there = recorded.get(id)
    count++
    const isSame =
      there?.entryHash === entryHash &&
      there.allowed === allowed &&
      there.decision === allowed &&
      there.decisionId === decisionId
    if (!isSame) wrong.push(`entry ${id}`)
  }
  return {
    what: 'decisions that are on the log as answered',
    figure: wrong.length > 0 ? `not ${wrong[0]}, ${wrong.length} in all` : `all ${count}`,
    holds: wrong.length === 0 && count > 0,
  }
}
