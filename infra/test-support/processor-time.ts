import { readdirSync, readFileSync } from 'node:fs'

/** /proc counts processor time in hundredths of a second, whatever the kernel's own clock (proc_pid_stat(5)). */
const TICK_US = 10_000

interface Stat {
  pid: number
  parent: number
  /** Its own, and that of children that have ended. */
  ticks: number
}

/** A process and all that it has started and that still runs; empty where there is no /proc. */
export function processTree(root: number): number[] {
  return statsOf(root).map(({ pid }) => pid)
}

/** The processor time that a process and all that it has started have had, in µs; 0 where there is no /proc. */
export function processorTime(root: number): number {
  return statsOf(root).reduce((sum, { ticks }) => sum + ticks * TICK_US, 0)
}

function statsOf(root: number): Stat[] {
  if (process.platform !== 'linux') return []
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
    const ticks = fields.slice(11, 15).reduce((sum, one) => sum + Number(one), 0)
    return { pid: Number(pid), parent: Number(fields[1]), ticks }
  } catch {
    return null
  }
}
