// Has schemathesis (https://schemathesis.readthedocs.io) make up requests from /openapi.json, valid ones and broken
// ones, and send them through the gateway to the real services, over a PostgreSQL of their own. No answer may be a 5xx
// or contradict the document: status, media type, headers, schema, and whether a request is taken or refused.
//
//   npm run fuzz:api                       some 2,500 requests
//   npm run fuzz:api -- --cases 20000      at least so many
//   npm run fuzz:api -- --seed 7           other ones
//
// Installs schemathesis below .data/tools the first time, which needs Python 3.10 or later and PyPI.
// Its report goes to standard error, one line of counts to standard output.
// Exit codes: 0 all answers fit; 1 one did not, or nothing was checked; 2 wrong arguments; 128 + n after a signal.
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { servedRoutes } from '../openapi/document.ts'
import { startOwnStack } from '../test-support/own-stack.ts'
import { fuzz, schemathesis } from './schemathesis.ts'

/** Requests that it makes whatever is asked for: each operation's examples, and the edges of each schema. */
const ALWAYS = 2_000

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(name))
}

interface Wishes {
  cases: number
  seed: number
}

function wishesOf(args: string[]): Wishes {
  const { values } = parseArgs({
    args,
    options: { cases: { type: 'string', default: '2500' }, seed: { type: 'string', default: '1' } },
  })
  const cases = Number(values.cases)
  const seed = Number(values.seed)
  if (Number.isSafeInteger(cases) && cases > 0 && Number.isSafeInteger(seed)) return { cases, seed }
  throw new TypeError('--cases and --seed are whole numbers, and there is at least one case.')
}

async function main({ cases, seed }: Wishes): Promise<number> {
  const program = schemathesis()
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'governance-fuzz-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  const { gateway } = await startOwnStack(folder, cleanup)
  await fillTile(gateway.url)
  const operations = servedRoutes().flatMap(([, routes]) => routes).length
  const started = performance.now()
  let done = 0
  for (let run = 0; done < cases; run++) {
    if (stopping.signal.aborted) return interrupted()
    const examples = Math.max(5, Math.ceil((cases - done - ALWAYS) / operations))
    const outcome = await fuzz(program, gateway.url, {
      ...{ examples, seed: seed + run, folder, stopping: stopping.signal },
    })
    if (stopping.signal.aborted) return interrupted()
    done += outcome.cases
    if (!outcome.holds) return 1
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(
    `${done} requests to ${operations} operations in ${seconds} s: every answer fits /openapi.json.`,
  )
  return 0
}

function interrupted(): number {
  console.error('interrupted')
  return 128 + constants.signals[stopping.signal.reason as NodeJS.Signals]
}

/** Entries for one full tile, so that there is something to prove and to fetch. */
async function fillTile(url: string): Promise<void> {
  const event = { event_type: 'example', subject: 'example', decision: true }
  const answer = await fetch(`${url}/mcp-audit/log/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events: Array(256).fill(event) }),
  })
  if (!answer.ok) throw new Failure(`The log takes no entries: ${await answer.text()}`)
}

try {
  process.exitCode = await main(wishesOf(process.argv.slice(2)))
} catch (error) {
  const isUsage = error instanceof TypeError
  console.error(error instanceof Failure || isUsage ? error.message : error)
  process.exitCode = isUsage ? 2 : 1
}
