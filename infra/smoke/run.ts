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
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
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
import { type Report, trial } from './trial.ts'

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

const say = (line: string) => process.stderr.write(`${line}\n`)

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
    reports.push(await trial(name, scenarios[name] as Scenario, say, values.logs))
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
