import { residentBytes } from '../test-support/resident-memory.ts'
import type { Finding } from './findings.ts'

const MIB = 1_048_576
const EVERY = 100

/** Looks ten times a second at what a process holds; `end` says by how many bytes it grew at most, null without /proc. */
export function watchMemory(pid: number): { end(): number | null } {
  const start = residentBytes(pid)
  let most = start
  const look = () => {
    most = Math.max(most, residentBytes(pid))
  }
  const timer = setInterval(() => {
    try {
      look()
    } catch {
      // It has ended: others judge that.
      clearInterval(timer)
    }
  }, EVERY)
  return {
    end() {
      clearInterval(timer)
      return start === 0 ? null : most - start
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
