// Faults and tampering, on purpose, and what everybody says of it. See README.md beside this file.
//
//   npm run faults                        every row, less than an hour
//   npm run faults -- --quick             every row that does not need long, a few minutes
//   npm run faults -- kill-audit lock     some of them
//   npm run faults -- --compose           those of the compose stack; needs Docker
//   npm run faults -- --list              what rows there are
//
//   --seed N          makes the choices by chance of the run with that seed again
//   --set NAME=N      a count of the chosen rows, as --list tells them; may come again
//   --only TEXT       of tamper: rows of its tables whose name holds it; of broken: the build of this name
//   --build NAME      runs the rows over a build that is broken on purpose
//   --json FILE       also writes what was found
//
// Progress goes to standard error, the tables at the end to standard output.
//
// Exit codes: 0 everything is as it must be; 1 a row itself failed; 2 wrong usage; 4 something is not as it must be;
// 5 everything that ran is as it must be, and a row could not be run on this machine; 128 + n after a signal.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { readArguments, Usage } from './arguments.ts'
import { stopOnSignals } from './leftovers.ts'
import { Random } from './random.ts'
import type { RowReport } from './row.ts'
import { runRows, summaryOf, verdictOf } from './run-rows.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)

async function main(): Promise<number> {
  const asked = readArguments(process.argv.slice(2))
  if (asked.list !== null) {
    for (const line of asked.list) console.log(line)
    return 0
  }
  const { seed, isQuick, chosen, leftOut, only, build } = asked
  say(`seed ${seed}; ${chosen.length} rows`)
  if (leftOut.length > 0) say(`the quick form leaves out ${leftOut.join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'governance-faults-'))
  // Started by root, PostgreSQL runs as another user, who has to get at its own folder below.
  chmodSync(folder, 0o711)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  stopOnSignals(remove)
  try {
    const setting = {
      folder,
      say,
      isTimed: !isQuick,
      random: new Random(String(seed)),
      only,
      build,
    }
    const reports = await runRows(chosen, setting)
    if (asked.json !== undefined) writeFileSync(asked.json, jsonOf(seed, reports))
    for (const line of summaryOf(reports)) console.log(line)
    if (leftOut.length > 0) console.log(`\nLeft out by --quick: ${leftOut.join(', ')}.`)
    console.log(`\nSeed ${seed}.`)
    return exitCodeOf(reports)
  } finally {
    remove()
  }
}

function exitCodeOf(reports: readonly RowReport[]): number {
  if (reports.some(({ broke }) => broke)) return 1
  if (reports.some((report) => verdictOf(report) === 'DOES NOT HOLD')) return 4
  return reports.some(({ skipped }) => skipped !== null) ? 5 : 0
}

function jsonOf(seed: number, reports: readonly RowReport[]): string {
  const rows = reports.map((report) => {
    const { row, counts, findings, skipped, seconds } = report
    const { name, does, shows } = row
    return { name, does, shows, counts, verdict: verdictOf(report), skipped, seconds, findings }
  })
  return `${JSON.stringify({ seed, rows }, null, 2)}\n`
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof Usage || error instanceof Failure) console.error(error.message)
  else console.error(error)
  process.exitCode = error instanceof Usage ? 2 : 1
}
