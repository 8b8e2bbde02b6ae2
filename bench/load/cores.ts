import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** /proc counts CPU time in hundredths of a second, whatever the kernel's own clock (proc_pid_stat(5)). */
const TICK_US = 10_000

interface Stat {
  pid: number
  parent: number
  ticks: number
}

/** The cores that this process may run on; empty where there is no `taskset`. */
export function usableCores(): number[] {
  try {
    const said = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' })
    const list = said.slice(said.lastIndexOf(':') + 1).trim()
    return list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number) as [number, number | undefined]
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}

/** Keeps a process, its threads and all that it has started on some cores; what it starts later stays there too. */
export function keepOn(cores: readonly number[], pid: number): void {
  for (const one of treeOf(pid)) {
    const options = ['-a', '-c', '-p', cores.join(','), String(one.pid)]
    try {
      execFileSync('taskset', options, { stdio: 'pipe' })
    } catch (error) {
      // A worker of PostgreSQL may have ended meanwhile.
      if (existsSync(`/proc/${one.pid}`)) throw error
    }
  }
}

/** CPU time of a process and all that it has started, in µs. */
export function cpuTime(pid: number): number {
  return treeOf(pid).reduce((sum, { ticks }) => sum + ticks * TICK_US, 0)
}

function treeOf(root: number): Stat[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const stats = all.map(statOf).filter((stat) => stat !== null)
  const within = new Set([root])
  // Process ids wrap around, so that a child may come before its parent.
  for (let before = 0; before < within.size; ) {
    before = within.size
    for (const { pid, parent } of stats) if (within.has(parent)) within.add(pid)
  }
  return stats.filter(({ pid }) => within.has(pid))
}

/** Null where the process has ended meanwhile. */
function statOf(pid: string): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number)
    return { pid: Number(pid), parent: parent as number, ticks: (user ?? 0) + (system ?? 0) }
  } catch {
    return null
  }
}
