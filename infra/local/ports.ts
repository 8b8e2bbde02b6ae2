import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { commandLine } from './processes.ts'

/**
 * Below the ports that systems give to connections that go out (from 32768 on Linux, 49152 elsewhere): one of those
 * may be taken by any connection of any program before the server that it is meant for listens.
 */
const FIRST = 10_000
const LAST = 32_000
const given = new Set<number>()

/** A port on 127.0.0.1 that nobody listens on now, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

/** Whether this process could listen on 127.0.0.1:port now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

/** The process that listens on a port, as "process 4711 (node server.js)", where that can be found out. */
export function listenerOn(port: number): string | undefined {
  const pid = process.platform === 'linux' ? fromProc(port) : fromLsof(port)
  if (pid === undefined) return undefined
  const command = commandLine(pid)
  return `process ${pid}${command ? ` (${command.slice(0, 80)})` : ''}`
}

/** /proc/net/tcp names the socket's inode, and some /proc/<pid>/fd entry points at it (proc(5)). */
function fromProc(port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const listening = '0A'
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of lines(table)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== listening || !local?.endsWith(suffix) || !inode) continue
      const pid = ownerOfSocket(inode)
      if (pid !== undefined) return pid
    }
  }
  return undefined
}

function ownerOfSocket(inode: string): number | undefined {
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`/proc/${pid}/fd`)) {
      if (link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`) return Number(pid)
    }
  }
  return undefined
}

function fromLsof(port: number): number | undefined {
  try {
    const args = ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN']
    const out = execFileSync('lsof', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
    return Number.parseInt(out, 10) || undefined
  } catch {
    return undefined
  }
}

// Files of /proc come and go, and those of other users are closed to us: what cannot be read is absent.
function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
