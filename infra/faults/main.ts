// Faults and tampering, on purpose, and what everybody says of it. See README.md beside this file.
//
//   npm run faults -- tamper   [--entries 1300] [--only TEXT]
//   npm run faults -- faults   [--clients 64] [--kills 50] [--postgres-kills 30] [--sigterms 20]
//                               [--terminations 500] [--lock 30] [--stopped 20]
//   npm run faults -- replicas [--clients 64] [--appends 50000] [--retries 0.2] [--kills 4]
//   npm run faults -- gate     [--clients 64] [--calls 10000] [--kills 28]
//   npm run faults -- slow     [--clients 500] [--readers 200] [--entries 20000] [--seconds 20]
//   npm run faults -- hung     [--seconds 20]
//   npm run faults -- standby  [--clients 64] [--kills 5] [--appends 500]
//   npm run faults -- erasure
//   npm run faults -- clean    [--entries 1000000]
//   npm run faults -- broken   [--only NAME]
//
// --build NAME runs tamper, faults or replicas over a build that is broken on purpose.
// Progress goes to standard error, the result to standard output: a table.
//
// Exit codes: 0 everything is as it must be; 4 something is not, marked NO in the table; 2 wrong usage; 1 a drill
// itself failed.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { BROKEN_BUILDS } from './broken/builds.ts'
import { hunt } from './broken/hunt.ts'
import { allHold, type Finding, tableOf } from './findings.ts'
import {
  cleanScenario,
  erasureScenario,
  faultScenario,
  gateScenario,
  hungScenario,
  replicaScenario,
  type Setting,
  slowScenario,
  tamperScenario,
} from './scenarios.ts'
import { standbyScenario } from './standby/scenario.ts'

class Usage extends Error {}

const OPTIONS = {
  entries: { type: 'string' },
  only: { type: 'string' },
  clients: { type: 'string' },
  kills: { type: 'string' },
  'postgres-kills': { type: 'string' },
  sigterms: { type: 'string' },
  terminations: { type: 'string' },
  lock: { type: 'string' },
  stopped: { type: 'string' },
  appends: { type: 'string' },
  calls: { type: 'string' },
  retries: { type: 'string' },
  readers: { type: 'string' },
  seconds: { type: 'string' },
  build: { type: 'string' },
} as const

function read(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
    return { values, positionals }
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

async function run(args: string[], setting: Setting): Promise<Finding[]> {
  const { values, positionals } = read(args)
  const number = (name: keyof typeof OPTIONS, usual: number): number => {
    const text = values[name] ?? String(usual)
    if (!/^(0|[1-9][0-9]{0,7})(\.[0-9]+)?$/.test(text))
      throw new Usage(`--${name} must be a number.`)
    return Number(text)
  }
  const build = BROKEN_BUILDS.find(({ name }) => name === values.build)
  if (values.build !== undefined && !build) {
    throw new Usage(`--build is one of ${BROKEN_BUILDS.map(({ name }) => name).join(', ')}.`)
  }
  const own = { ...setting, build }
  switch (positionals.join(' ')) {
    case 'tamper':
      return tamperScenario(own, {
        entries: Math.max(700, number('entries', 1_300)),
        everywhere: true,
        only: values.only,
      })
    case 'faults':
      return faultScenario(own, {
        clients: number('clients', 64),
        kills: number('kills', 50),
        postgresKills: number('postgres-kills', 30),
        sigterms: number('sigterms', 20),
        terminations: number('terminations', 500),
        lockSeconds: number('lock', 30),
        stoppedSeconds: number('stopped', 20),
      })
    case 'replicas':
      return replicaScenario(own, {
        clients: number('clients', 64),
        appends: number('appends', 50_000),
        retries: number('retries', 0.2),
        kills: number('kills', 4),
      })
    case 'gate':
      return gateScenario(own, {
        clients: number('clients', 64),
        calls: number('calls', 10_000),
        strikes: number('kills', 28),
      })
    case 'slow':
      return slowScenario(own, {
        clients: number('clients', 500),
        readers: number('readers', 200),
        entries: number('entries', 20_000),
        seconds: number('seconds', 20),
      })
    case 'hung':
      return hungScenario(own, { seconds: number('seconds', 20) })
    case 'standby':
      return standbyScenario(own, {
        clients: number('clients', 64),
        promotions: number('kills', 5),
        acknowledged: number('appends', 500),
        betweenMs: 1_000,
      })
    case 'erasure':
      return erasureScenario(own)
    case 'clean':
      return cleanScenario(own, number('entries', 1_000_000))
    case 'broken':
      return huntAll(setting, values.only)
    default:
      throw new Usage(
        'Say what to run: tamper, faults, replicas, gate, slow, hung, standby, erasure, clean or broken.',
      )
  }
}

async function huntAll(setting: Setting, only: string | undefined): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const build of BROKEN_BUILDS) {
    if (only !== undefined && only !== build.name) continue
    findings.push(await hunt({ ...setting, folder: join(setting.folder, build.name) }, build))
  }
  return findings
}

const folder = mkdtempSync(join(tmpdir(), 'governance-faults-'))
// Started by root, PostgreSQL runs as another user, who has to get at its own folder below.
chmodSync(folder, 0o711)
try {
  const findings = await run(process.argv.slice(2), {
    folder,
    say: (line) => process.stderr.write(`${line}\n`),
  })
  for (const line of tableOf(findings)) console.log(line)
  process.exitCode = allHold(findings) ? 0 : 4
} catch (error) {
  if (error instanceof Usage || error instanceof Failure) console.error(error.message)
  else console.error(error)
  process.exitCode = error instanceof Usage ? 2 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
