import { readFileSync } from 'node:fs'

/** What a process holds in memory, in bytes (proc_pid_status(5)); 0 where there is no /proc. */
export function residentBytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}
