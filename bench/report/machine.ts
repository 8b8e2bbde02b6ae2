import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

/** Results are no part of what is measured. */
const CODE = ':(top,exclude)bench/results'

/** Where and when a run was made: what a figure depends on besides the code. */
export interface Machine {
  cores: number
  cpu: string
  memoryGiB: number
  kernel: string
  /** How the kernel sets the clock of the processor; null where it does not say. */
  governor: string | null
  /** Processes that wanted a processor in the minute before the start: what else was going on. */
  loadBefore: number
  node: string
  postgres: string
  at: string
  /** With `+` where the checkout had changes; null outside a checkout. */
  commit: string | null
}

export function describeMachine(postgres: string): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round((10 * totalmem()) / 2 ** 30) / 10,
    kernel: `${type()} ${release()}`,
    governor: governor(),
    loadBefore: Math.round(100 * (loadavg()[0] ?? 0)) / 100,
    node: process.version,
    postgres,
    at: new Date().toISOString(),
    commit: commit(),
  }
}

/** The machine in one paragraph. */
export function machineLine(machine: Machine): string {
  const { cores, cpu, memoryGiB, kernel, governor, loadBefore, node, postgres, at } = machine
  const clock = governor ? `, governor ${governor}` : ''
  const of = machine.commit ? `, commit ${machine.commit}` : ''
  return (
    `${cores} × ${cpu}, ${memoryGiB} GiB, ${kernel}${clock}; Node ${node}, PostgreSQL ${postgres}; ` +
    `load average before: ${loadBefore.toFixed(2)}; ${at.slice(0, 16).replace('T', ' ')} UTC${of}`
  )
}

function governor(): string | null {
  try {
    const file = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'
    return readFileSync(file, 'utf8').trim()
  } catch {
    return null
  }
}

function commit(): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', ':/', CODE) ? '+' : '')
    )
  } catch {
    return null
  }
}
