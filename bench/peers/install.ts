// `npm run bench -- peers`: installs what the bench sets the control plane beside, as far as it can be had: OPA from the
// module proxy of Go, below .data/tools; as root on Debian also the packages of PROGRAMS. What is absent afterwards is named,
// and the bench skips it.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram, findPrograms, needOf, PROGRAMS, type Program, TOOLS } from './programs.ts'

const OPA = 'github.com/open-policy-agent/opa@v1.22.2'
const FIND_GO = join(import.meta.dirname, '..', '..', '.ci', 'go')

export function installPeers(say: (line: string) => void): void {
  if (process.getuid?.() === 0 && findProgram('apt-get')) installPackages(say)
  if (!findPrograms().opa) installOpa(say)
  const found = findPrograms()
  for (const name of Object.keys(PROGRAMS) as Program[]) {
    say(found[name] ? `${name}: ${found[name]}` : `missing: ${needOf(name)}`)
  }
}

function installPackages(say: (line: string) => void): void {
  const found = findPrograms()
  const missing = Object.entries(PROGRAMS).flatMap(([name, debian]) =>
    debian && !found[name as Program] ? [debian] : [],
  )
  if (missing.length === 0) return
  say(`installing ${missing.join(', ')}`)
  run('apt-get', ['update', '-qq'], say)
  run('apt-get', ['install', '-qq', '--no-install-recommends', ...missing], say)
}

function installOpa(say: (line: string) => void): void {
  const { status, stdout } = spawnSync(FIND_GO, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) {
    say('OPA is built by Go, and there is none')
    return
  }
  mkdirSync(TOOLS, { recursive: true })
  say(`building ${OPA}: some minutes`)
  const go = stdout.toString().trim()
  run(go, ['install', OPA], say, {
    GOBIN: TOOLS,
    PATH: `${dirname(go)}:${process.env.PATH ?? ''}`,
  })
}

/** A command that fails leaves something missing, which is said at the end, and does not keep the others from being tried. */
function run(
  command: string,
  args: readonly string[],
  say: (line: string) => void,
  env: Record<string, string> = {},
): void {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...env },
  })
  if (status !== 0) say(`${command} ${args[0]}: ${error?.message ?? `exit code ${status}`}`)
}
