import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { processTree } from '@ai-governance/infra/test-support/processor-time'

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
  for (const one of processTree(pid)) {
    const options = ['-a', '-c', '-p', cores.join(','), String(one)]
    try {
      execFileSync('taskset', options, { stdio: 'pipe' })
    } catch (error) {
      // A worker of PostgreSQL may have ended meanwhile.
      if (existsSync(`/proc/${one}`)) throw error
    }
  }
}
