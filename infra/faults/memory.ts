import { watchResident } from '../test-support/resident-memory.ts'
import type { Finding } from './findings.ts'

const MIB = 1_048_576

/** Looks at what a process holds; `end` says by how many bytes it grew at most, null without /proc. */
export function watchMemory(pid: number): { end(): number | null } {
  const watched = watchResident(pid)
  return {
    end() {
      const { first, most } = watched.end()
      return first === 0 ? null : most - first
    },
  }
}

/** Growth in bytes against a goal in MiB; where it could not be seen, or is not judged, it is told alone. */
export function memoryFinding(
  what: string,
  grown: number | null,
  goal: number,
  isJudged = true,
): Finding {
  const figure =
    grown === null ? 'not seen: this machine has no /proc' : `${Math.round(grown / MIB)} MiB`
  return { what, figure, holds: grown === null || !isJudged ? null : grown <= goal * MIB }
}
