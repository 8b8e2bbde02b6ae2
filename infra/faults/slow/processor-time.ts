import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc, on every Linux that Node runs on. */
const TICKS = 100

/** The processor time in seconds that each of some processes has had with its children so far (Linux; elsewhere 0). */
export function processorTimes(pids: Record<string, number>): Record<string, number> {
  const stats = process.platform === 'linux' ? allStats() : []
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      const own = stats.filter((stat) => stat.pid === pid || stat.parent === pid)
      return [name, own.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS]
    }),
  )
}

function allStats(): { pid: number; parent: number; ticks: number }[] {
  return readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .flatMap((id) => {
      try {
        // proc_pid_stat(5). The name of the program, in brackets, may hold anything; behind it state and parent, then
        // utime, stime and those of children that have ended.
        const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')
          .map(Number)
        const [user = 0, system = 0, ...ended] = fields.slice(11, 15)
        const ticks = user + system + ended.reduce((sum, one) => sum + one, 0)
        return [{ pid: Number(id), parent: fields[1] as number, ticks }]
      } catch {
        return []
      }
    })
}
