import { readFileSync } from 'node:fs'

/** What a process holds in memory, in bytes (proc_pid_status(5)); 0 where there is no /proc. */
export function residentBytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

/** In ms. */
const LOOK_EVERY = 50

/** Looks at what a process holds until `end`, or its end; `end` says what was seen first and at most, in bytes. */
export function watchResident(pid: number): { end(): { first: number; most: number } } {
  const first = residentBytes(pid)
  let most = first
  const timer = setInterval(() => {
    try {
      most = Math.max(most, residentBytes(pid) || 0)
    } catch {
      clearInterval(timer)
    }
  }, LOOK_EVERY).unref()
  return {
    end() {
      clearInterval(timer)
      return { first, most }
    },
  }
}
