// Measures the control plane, each figure against a floor in the same run, because machines differ and are noisy:
//
//   npm run bench                        all but overload and growth: about twenty minutes
//   npm run bench -- --quick             the same with fewer and shorter rounds: about eight
//   npm run bench -- append verify       some of it; --list says what there is
//   npm run bench -- peers               installs what there is to compare with
//   npm run bench -- --against FILE      whether this run agrees with an earlier one
//
// Progress goes to standard error, the table to standard output; it is written to bench/results too, with the figures as
// JSON and a chart. What needs a program that is missing is skipped by name.
//
// Exit codes: 0; 1 when something failed; 2 for wrong arguments or an --against that cannot be read; 4 when a ratio does not
// agree with that of the other run, or none could be compared; 128 + n after a second signal, which leaves processes behind.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from '@ai-governance/infra/failure'
import { freePort } from '@ai-governance/infra/local/ports'
import { startPostgres } from '@ai-governance/infra/local/postgres'
import { Client } from 'pg'
import { type Arguments, readArguments, USAGE } from './arguments.ts'
import { makeLoad } from './load/load.ts'
import { installPeers } from './peers/install.ts'
import { findPrograms } from './peers/programs.ts'
import { compareRuns, conclude, otherConditions } from './report/compare.ts'
import { writeResult } from './report/files.ts'
import { describeMachine } from './report/machine.ts'
import {
  isComplete,
  makeResult,
  type Result,
  readResult,
  type SubjectResult,
} from './report/result.ts'
import { comparisonTable, resultTable } from './report/table.ts'
import { onGround, type Tools } from './subjects/ground.ts'
import { listSubjects, SUBJECTS } from './subjects/registry.ts'

const FAILED = 1
const USED_WRONGLY = 2
const DISAGREES = 4

const say = (line: string) => void process.stderr.write(`${line}\n`)
let isStopping = false

async function main(args: Arguments): Promise<number> {
  if (args.task === 'list') console.log(listSubjects())
  if (args.task === 'peers') installPeers(say)
  if (args.task !== 'measure') return 0
  let earlier: Result | null = null
  try {
    if (args.against !== undefined) earlier = readResult(args.against)
  } catch (error) {
    say((error as Error).message)
    return USED_WRONGLY
  }
  const { json } = args
  // Before anything is measured: a place that cannot be written to should not be found out at the end.
  if (json !== undefined && json !== '-') mkdirSync(dirname(json), { recursive: true })
  const result = await measure(args)
  if (json === '-') console.log(JSON.stringify(result, null, 1))
  else console.log(resultTable(result))
  if (json !== undefined && json !== '-') {
    writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`)
  }
  const hasFailed = isStopping || result.subjects.some(({ failed }) => failed !== undefined)
  say(`written to ${writeResult(result, args.isFull && !isStopping && isComplete(result))}`)
  const agrees = earlier === null || compare(earlier, result)
  if (hasFailed) return FAILED
  return agrees ? 0 : DISAGREES
}

async function measure({ names, isQuick, rounds, records }: Arguments): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-bench-'))
  // Of this run alone, and warm after the first start of each program.
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled')
  const port = await freePort()
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    owner: { user: 'governance', password: 'bench' },
    port,
    say,
  })
  try {
    const machine = describeMachine(await postgresVersion(port))
    const programs = findPrograms()
    const load = makeLoad(programs.wrk, folder)
    const tools: Tools = { port, folder, rounds, records, isQuick, programs, load, say }
    const subjects: SubjectResult[] = []
    for (const name of names) if (!isStopping) subjects.push(await measureOne(name, tools))
    const { count, seconds } = rounds
    const by = programs.wrk ? 'wrk' : "the bench's own, for want of wrk"
    const settings = { rounds: count, seconds, load: by, records }
    return makeResult({ machine, settings, subjects })
  } finally {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What fails does not keep the others from being measured. */
async function measureOne(subject: string, tools: Tools): Promise<SubjectResult> {
  try {
    return await onGround(subject, tools, async (ground) => {
      const figures = await SUBJECTS[subject]!.measure(ground)
      return { subject, figures, skipped: ground.skipped }
    })
  } catch (error) {
    say(`${subject} failed: ${error instanceof Error ? error.stack : error}`)
    return { subject, figures: [], skipped: [], failed: String(error) }
  }
}

/** Says what agrees and what does not; false where a ratio differs, or none could be compared. */
function compare(earlier: Result, now: Result): boolean {
  for (const one of otherConditions(earlier, now)) say(`measured otherwise than then: ${one}`)
  const comparisons = compareRuns(earlier, now)
  // Standard output may be JSON.
  say(`\n${comparisonTable(comparisons)}\n`)
  const { agrees, says } = conclude(comparisons)
  say(says)
  return agrees
}

async function postgresVersion(port: number): Promise<string> {
  const at = `postgres://governance:bench@127.0.0.1:${port}/postgres`
  const client = new Client({ connectionString: at })
  await client.connect()
  const { rows } = await client.query('SHOW server_version').finally(() => client.end())
  return rows[0].server_version
}

/** In ms: whoever started this process passes on what a terminal has told it already. */
const SAME_SIGNAL = 1_000
let toldAt = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (isStopping && Date.now() - toldAt < SAME_SIGNAL) return
    if (isStopping) process.exit(128 + constants.signals[signal])
    isStopping = true
    toldAt = Date.now()
    say(
      'stopping after what is being measured; once more to stop at once, leaving processes behind',
    )
  })
}

let args: Arguments | null = null
try {
  args = readArguments(process.argv.slice(2))
} catch (error) {
  say(`${(error as Error).message}\n\n${USAGE}`)
  process.exitCode = USED_WRONGLY
}
if (args) {
  try {
    process.exitCode = await main(args)
  } catch (error) {
    say(error instanceof Failure ? error.message : String((error as Error).stack))
    process.exitCode = FAILED
  }
}
