import type { Fault } from '../faults.ts'
import type { Pair } from './pair.ts'

/** The primary dies while its standby is synchronous, which takes its place; the dead one is made anew as its standby. */
export function promoteStandby(pair: Pair): Fault {
  return {
    name: 'SIGKILL of the primary, its synchronous standby promoted',
    async strike() {
      await pair.kill()
      await pair.promote()
      // The load goes on while it is copied.
      await pair.rebuild()
      await pair.setSynchronous(true)
    },
    goal: { healthy: 60_000, acknowledged: 60_000 },
    isSudden: true,
  }
}
