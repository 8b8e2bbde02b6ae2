import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CampaignOptions, type CampaignResult, runCampaign } from '../campaign.ts'
import { type Fault, kill, killPostgres } from '../faults.ts'
import type { Finding } from '../findings.ts'
import { gateDrill } from '../gate/drill.ts'
import { stopping } from '../leftovers.ts'
import { inWorld, type Setting } from '../scenarios.ts'
import { BROKEN_BUILDS, type BrokenBuild } from './builds.ts'

/** What `npm run faults` runs. */
const PROGRAM = join(import.meta.dirname, '..', 'main.ts')
const KILLS = 2
const APPENDS = { count: 500, retries: 0.3 }

/** The builds that `npm test` does not hunt, since of what they break there is another. */
const NOT_IN_TESTS = ['no-lock-no-key', 'commit-without-flush']

/** Hunts all builds, or those that the tests leave out, and of them those that `setting.only` names. */
export async function hunts(setting: Setting, { all }: { all: number }): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const build of BROKEN_BUILDS) {
    if (all === 0 && !NOT_IN_TESTS.includes(build.name)) continue
    if (setting.only !== undefined && setting.only !== build.name) continue
    setting.say(build.name)
    findings.push(await hunt({ ...setting, folder: join(setting.folder, build.name) }, build))
  }
  return findings
}

/** I8: runs what must find the build broken, as short as it may be, and says whether it does. */
export async function hunt(setting: Setting, build: BrokenBuild): Promise<Finding> {
  const violated = await {
    'kills of mcp-audit': () => killed(setting, build, kill('mcp-audit')),
    'kills of PostgreSQL': () => killed(setting, build, killPostgres),
    replicas: () => campaign(setting, build, { appends: APPENDS, faults: [] }),
    tamper: () => tamper(setting, build),
    'the gate': () => gate(setting, build),
  }[build.foundBy]()
  const isFound = violated.some((what) => what.startsWith(build.violates))
  return {
    what: `I8 ${build.name}`,
    figure: `${build.what}: ${violated.join('; ') || 'not found'}`,
    holds: isFound,
    invariants: ['I8'],
  }
}

function killed(setting: Setting, build: BrokenBuild, fault: Fault): Promise<string[]> {
  return campaign(setting, build, { faults: [[fault, KILLS]] })
}

function campaign(
  setting: Setting,
  build: BrokenBuild,
  options: Pick<CampaignOptions, 'faults' | 'appends'>,
): Promise<string[]> {
  const { folder, say } = setting
  const replicas = build.foundBy === 'replicas' ? 2 : 1
  return inWorld({ ...setting, build }, { replicas }, async (world) =>
    inWords(
      await runCampaign(world, {
        folder,
        clients: 32,
        between: { acknowledged: 50, ms: 0 },
        random: setting.random,
        patienceMs: 3_000,
        say,
        ...options,
      }),
    ),
  )
}

function inWords({ violations }: CampaignResult): string[] {
  return violations.map(({ invariant, what, times }) => `${invariant} ${what} (${times} times)`)
}

/**
 * In a process of its own: the tables of tampering load the services into theirs, and what is broken of them must be
 * before that.
 */
async function tamper({ folder }: Setting, { name }: BrokenBuild): Promise<string[]> {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const file = join(folder, 'findings.json')
  const counts = ['--set', 'entries=700', '--set', 'everywhere=0']
  const options = [...counts, '--only', 'the last entry deleted', '--build', name, '--json', file]
  const child = spawn(process.execPath, [PROGRAM, 'tamper', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await exited
  }
  await stopping(stop, () => exited)
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: { findings: Finding[] }[] }
  return rows
    .flatMap(({ findings }) => findings)
    .filter(({ holds }) => holds === false)
    .map(({ figure }) => `a row, ${figure}`)
}

function gate(setting: Setting, build: BrokenBuild): Promise<string[]> {
  const { folder, say } = setting
  const options = {
    folder,
    clients: 16,
    calls: 200,
    strikes: KILLS,
    hang: 500,
    isTimed: false,
    say,
  }
  return inWorld({ ...setting, build }, { hasGate: true }, async (world) =>
    (await gateDrill(world, options))
      .filter(({ holds }) => holds === false)
      .map(({ what, figure }) => `${what} (${figure})`),
  )
}
