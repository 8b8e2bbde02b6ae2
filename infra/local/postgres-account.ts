import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.ts'

/** Whom PostgreSQL runs as when this process is root; undefined: as ourselves. */
export interface Account {
  uid: number
  gid: number
  /** The capability that lets the account pass folders that are closed to it, if it meets any. */
  capability?: 'dac_read_search' | 'dac_override'
}

/** A program with its arguments, and the ids to give it at the start. */
export interface Command {
  file: string
  args: string[]
  uid?: number
  gid?: number
}

const systemUser = 'postgres'

/** Capability bits, include/uapi/linux/capability.h. */
const capabilityBit = { dac_override: 1n, dac_read_search: 2n, setpcap: 8n } as const

/**
 * PostgreSQL refuses to run as root, so root starts it as another user: as the owner of the data where
 * there is some, else as the system user `postgres`, which is made when it is missing.
 */
export function postgresAccount(
  dataDir: string,
  programs: readonly string[],
  say: (line: string) => void,
): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const account = existsSync(dataDir) ? ownerOf(dataDir) : systemAccount(say)
  const unpassable = [...programs, dirname(dataDir)].some((path) => !canReach(path, account))
  if (!unpassable) return account
  return { ...account, capability: chooseCapability(programs, account, dirname(dataDir)) }
}

/** The command that runs `file` as the account (as ourselves without one). */
export function runAs(account: Account | undefined, file: string, args: string[]): Command {
  if (!account) return { file, args }
  const { uid, gid, capability } = account
  if (!capability) return { file, args, uid, gid }
  return {
    file: 'setpriv',
    args: [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
      // initdb asks access(2) whether it finds its programs, and access(2) drops the capabilities of
      // every user but root unless this bit is set (capabilities(7), fs/open.c).
      '--securebits=+no_setuid_fixup',
      file,
      ...args,
    ],
  }
}

function ownerOf(dataDir: string): Account {
  const { uid, gid } = statSync(dataDir)
  if (uid !== 0) return { uid, gid }
  throw new Failure(
    `The database folder ${dataDir} belongs to root, as whom PostgreSQL refuses to run. ` +
      `Give it to its own user with "chown -R ${systemUser} ${dataDir}".`,
  )
}

function systemAccount(say: (line: string) => void): Account {
  const known = lookUp(systemUser)
  if (known) return known
  const made = spawnSync('useradd', ['--system', '--shell', '/usr/sbin/nologin', systemUser])
  const account = lookUp(systemUser)
  if (!account) {
    const why = made.error?.message ?? made.stderr.toString().trim()
    throw new Failure(
      `PostgreSQL refuses to run as root, and no system user "${systemUser}" could be made (${why}). ` +
        'Make one, or run this command as an ordinary user.',
    )
  }
  say(`made the system user "${systemUser}": PostgreSQL refuses to run as root`)
  return account
}

function lookUp(name: string): Account | undefined {
  const id = (flag: string) =>
    Number(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}

/** Whether the mode bits let the account reach a path and use it (read it; for a folder, pass it). */
export function canReach(path: string, account: { uid: number; gid: number }): boolean {
  let at = realpathSync(path)
  if (!permits(at, account, statSync(at).isDirectory() ? 1 : 4)) return false
  while (at !== dirname(at)) {
    at = dirname(at)
    if (!permits(at, account, 1)) return false
  }
  return true
}

function permits(path: string, { uid, gid }: { uid: number; gid: number }, bit: number): boolean {
  const stat = statSync(path)
  const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0
  return ((stat.mode >> shift) & bit) !== 0
}

/**
 * The least capability that is enough. CAP_DAC_READ_SEARCH passes folders and reads files, but starts
 * no program whose execute bit is closed (installed under umask 077), and containers commonly drop it
 * while they keep CAP_DAC_OVERRIDE.
 */
function chooseCapability(
  programs: readonly string[],
  account: Account,
  where: string,
): 'dac_read_search' | 'dac_override' {
  const held = permittedCapabilities()
  const has = (name: keyof typeof capabilityBit) => ((held >> capabilityBit[name]) & 1n) === 1n
  const executable = programs.every((path) => permits(path, account, 1))
  const hasTool = spawnSync('setpriv', ['--version']).status === 0
  if (hasTool && has('setpcap')) {
    if (executable && has('dac_read_search')) return 'dac_read_search'
    if (has('dac_override')) return 'dac_override'
  }
  throw new Failure(
    `PostgreSQL refuses to run as root, and its user ${account.uid} cannot pass the folders above ` +
      `${where} or ${join(dirname(programs[0] ?? ''), '..')}. Move the checkout to a folder that every user may ` +
      'pass (chmod o+x), run as an ordinary user, or install setpriv (package util-linux).',
  )
}

function permittedCapabilities(): bigint {
  try {
    const line = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return BigInt(`0x${line?.[1] ?? '0'}`)
  } catch {
    return 0n
  }
}
