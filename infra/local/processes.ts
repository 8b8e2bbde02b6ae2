import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The command line of a running process, its arguments joined by spaces; '' when there is no such
 * process. A zombie has an empty one, so it counts as gone: nobody may ever reap it in a container.
 */
export function commandLine(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
    } catch {
      return ''
    }
  }
  try {
    const ps = ['-ww', '-o', 'command=', '-p', String(pid)]
    return execFileSync('ps', ps, { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return ''
  }
}

/** Signals a process; false when it is gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/**
 * Ends a process that need not be a child of ours: sends each signal in turn and gives it the time
 * named beside it. Resolves to the signal that ended it, or undefined when it survived them all.
 * `isOurs` is asked again before every signal, so a process id that was reused meanwhile is left alone.
 */
export async function endProcess(
  pid: number,
  isOurs: (commandLine: string) => boolean,
  steps: ReadonlyArray<readonly [NodeJS.Signals, number]>,
): Promise<NodeJS.Signals | undefined> {
  let sent: NodeJS.Signals | undefined
  for (const [name, patienceMs] of steps) {
    if (!isOurs(commandLine(pid)) || !signal(pid, name)) return sent ?? name
    sent = name
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline) {
      await sleep(20)
      if (!isOurs(commandLine(pid))) return sent
    }
  }
  return undefined
}
