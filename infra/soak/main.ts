// The whole stack under a mixture of honest and hostile load for half an hour. See README.md beside this file.
//
//   npm run soak                   30 minutes of steady load, and some minutes to verify what came of it
//   npm run soak -- --minutes 240  longer, or shorter; a slope of memory is judged from 15 minutes on
//   npm run soak -- --quick        45 seconds, for every change: what is judged by time is told alone
//   npm run soak -- --seed 7       another mixture; the same seed asks for the same in the same order
//   npm run soak -- --json FILE    what was found, counted and sampled; --csv FILE: memory over time
//
// --share 0.4 is the share of what the stack does that is asked of it, --most 300 the most requests a second.
// Linux alone: memory is read from /proc, and strangers come from 127.0.0.2. Needs Python 3.9 beside Node.
// Progress goes to standard error, the result to standard output: a table.
//
// Exit codes: 0 everything is as it must be; 4 something is not, marked NO in the table; 2 wrong usage; 1 the soak
// itself failed; 128 + n after a signal.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { allHold, tableOf } from '../faults/findings.ts'
import { stopOnSignals } from '../faults/leftovers.ts'
import { soak } from './soak.ts'

/** Minutes of load: with its start and the verification a minute and a half. */
const QUICK = 0.75

class Usage extends Error {}

const OPTIONS = {
  minutes: { type: 'string', default: '30' },
  quick: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  share: { type: 'string', default: '0.4' },
  most: { type: 'string', default: '300' },
  json: { type: 'string' },
  csv: { type: 'string' },
} as const

function read(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

function number(name: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,7})(\.[0-9]+)?$/.test(text) || Number(text) === 0) {
    throw new Usage(`--${name} must be a number above 0.`)
  }
  return Number(text)
}

async function run(args: string[]): Promise<number> {
  const values = read(args)
  const asked = {
    minutes: values.quick ? QUICK : number('minutes', values.minutes),
    seed: number('seed', values.seed),
    share: number('share', values.share),
    most: number('most', values.most),
  }
  if (process.platform !== 'linux') {
    throw new Failure('The soak reads memory from /proc: run it on Linux, or in WSL.')
  }
  const folder = mkdtempSync(join(tmpdir(), 'governance-soak-'))
  // Started by root, PostgreSQL runs as another user, who has to get at its own folder below.
  chmodSync(folder, 0o711)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  stopOnSignals(remove)
  try {
    const { findings, told, samples } = await soak({
      ...{ ...asked, folder, csv: values.csv ?? null },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    for (const line of tableOf(findings)) console.log(line)
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify({ ...asked, findings, told, samples })}\n`)
    }
    return allHold(findings) ? 0 : 4
  } finally {
    remove()
  }
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (error instanceof Usage || error instanceof Failure) console.error(error.message)
  else console.error(error)
  process.exitCode = error instanceof Usage ? 2 : 1
}
