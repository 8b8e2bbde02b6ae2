// Builds the compose stack, starts it, tries it and takes it down, for each scenario on a copy of this
// checkout with a project name and a port of its own. Needs a Docker engine with docker compose.
//
//   npm run smoke                            every scenario
//   npm run smoke -- fresh replicas          some of them
//   npm run smoke -- --report FILE           also writes what was measured, as JSON
//   npm run smoke -- --logs FOLDER           also keeps what the containers wrote, one file a scenario
//
// Progress goes to standard error. Where a scenario fails, so does what its containers wrote.
// Exit codes: 0 everything held; 1 something did not; 2 wrong arguments; 128 + n after a signal, which
// takes the stack down first.
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { type ComposeStack, prepareStack } from './compose-stack.ts'
import type { Scenario } from './scenario.ts'
import { clients } from './scenarios/clients.ts'
import { evidence } from './scenarios/evidence.ts'
import { fresh } from './scenarios/fresh.ts'
import { keys } from './scenarios/keys.ts'
import { notebook } from './scenarios/notebook.ts'
import { offline } from './scenarios/offline.ts'
import { oidc } from './scenarios/oidc.ts'
import { operations } from './scenarios/operations.ts'
import { ownPasswords } from './scenarios/own-passwords.ts'
import { replicas } from './scenarios/replicas.ts'
import { restore } from './scenarios/restore.ts'

const scenarios: Record<string, Scenario> = {
  fresh,
  'own-passwords': ownPasswords,
  keys,
  oidc,
  replicas,
  operations,
  restore,
  evidence,
  clients,
  notebook,
  offline,
}

interface Report {
  scenario: string
  ok: boolean
  build_s: number
  start_s: number
  figures: Record<string, unknown>
}

const say = (line: string) => process.stderr.write(`${line}\n`)

async function trial(name: string, scenario: Scenario, logsFolder?: string): Promise<Report> {
  say(`\n== ${name}: ${scenario.shows}`)
  const report: Report = { scenario: name, ok: false, build_s: 0, start_s: 0, figures: {} }
  let output = ''
  const onOutput = (text: string) => {
    output += text
  }
  const stack = await prepareStack(name, scenario.dotenv ?? [], onOutput)
  const takeDown = onSignal(stack)
  try {
    say('-- build')
    report.build_s = await timed(() => stack.compose(['build'], { onOutput }))
    await scenario.prepare?.(stack, (line) => say(`-- ${line}`))
    say(`-- up (built in ${report.build_s} s)`)
    report.start_s = await timed(() => stack.up(scenario.replicas))
    say(`-- healthy after ${report.start_s} s`)
    report.figures = await scenario.run(stack, (line) => say(`-- ${line}`))
    report.ok = true
  } catch (error) {
    say(`-- what the containers wrote\n${await logsOf(stack)}`)
    // Last, where whoever sees no more than the end of it finds it.
    say(
      `-- what does not hold\n${error instanceof Failure ? error.message : (error as Error).stack}`,
    )
  } finally {
    if (logsFolder) writeFileSync(join(logsFolder, `${name}.log`), output + (await logsOf(stack)))
    say('-- down')
    await takeDown()
  }
  say(`== ${name}: ${report.ok ? 'holds' : 'DOES NOT HOLD'} ${JSON.stringify(report.figures)}`)
  return report
}

/** Returns what takes the stack down; until then a signal does it too, and ends the program. */
function onSignal(stack: ComposeStack): () => Promise<void> {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let down: Promise<void> | undefined
  const takeDown = () => {
    down ??= stack.down()
    return down
  }
  const end = async (name: NodeJS.Signals) => {
    say(`-- ${name}: down`)
    await takeDown()
    process.exit(128 + constants.signals[name])
  }
  for (const name of names) process.on(name, end)
  return async () => {
    await takeDown()
    for (const name of names) process.off(name, end)
  }
}

const logsOf = (stack: ComposeStack) => stack.logs().catch((error: Error) => error.message)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return Math.round((performance.now() - from) / 100) / 10
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { report: { type: 'string' }, logs: { type: 'string' } },
  })
  const unknown = positionals.filter((name) => !Object.hasOwn(scenarios, name))
  if (unknown.length > 0) {
    say(
      `There is no scenario ${unknown.join(', ')}: choose from ${Object.keys(scenarios).join(', ')}.`,
    )
    return 2
  }
  if (values.logs) mkdirSync(values.logs, { recursive: true })
  const chosen = positionals.length > 0 ? positionals : Object.keys(scenarios)
  const reports: Report[] = []
  for (const name of chosen) {
    reports.push(await trial(name, scenarios[name] as Scenario, values.logs))
    if (values.report) writeFileSync(values.report, `${JSON.stringify(reports, null, 2)}\n`)
  }
  const failed = reports.filter(({ ok }) => !ok).map(({ scenario }) => scenario)
  say(
    failed.length === 0 ? `\nAll ${reports.length} hold.` : `\nDo not hold: ${failed.join(', ')}.`,
  )
  return failed.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  say(error instanceof Failure || usage ? (error as Error).message : String((error as Error).stack))
  process.exitCode = usage ? 2 : 1
}
