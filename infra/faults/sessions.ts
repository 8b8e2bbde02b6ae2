import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import type { Finding } from './findings.ts'
import type { Random } from './random.ts'
import { asOwner } from './server.ts'

/** What a session does that is ended, and how that shows in pg_stat_activity. */
const SORTS = {
  'that idle': "state = 'idle'",
  'that work': "state = 'active'",
  'that commit': "wait_event IN ('WalSync', 'WalWrite')",
} as const

type Sort = keyof typeof SORTS

/** How often a session of this sort was to be ended, and how often one was met and ended. */
export interface Ends {
  asked: number
  ended: number
}

/** How often it is looked for one of the sort, which may last for moments only, and then for any. */
const LOOKS = 100
const LOOK = 5

/** {@link terminateSessions}, and what it has ended so far. */
export interface EndedSessions {
  fault: Fault
  ends: ReadonlyMap<Sort, Ends>
}

/**
 * Ends one session of a service, now an idle one, now one that runs something, now one that waits for its commit to be
 * on disk; any of them where there is none of that sort for half a second. Which of several is drawn by their age, not
 * by their numbers. A strike that ends none throws.
 */
export function terminateSessions(random: Random): EndedSessions {
  const sorts = Object.keys(SORTS) as Sort[]
  const ends = new Map<Sort, Ends>(sorts.map((sort) => [sort, { asked: 0, ended: 0 }]))
  let n = 0
  const fault: Fault = {
    name: 'pg_terminate_backend of a session',
    strike: ({ server }) =>
      asOwner(server.ownerUrl, async (owner) => {
        const sort = sorts[n++ % sorts.length] as Sort
        const own = ends.get(sort) as Ends
        const drawn = random.below(1_000)
        const end = async (condition: string): Promise<boolean> => {
          const { rows } = await owner.query<{ ended: boolean }>(endOne(condition), [drawn])
          return rows[0]?.ended === true
        }
        own.asked++
        for (let looks = 1; looks <= LOOKS; looks++) {
          if (await end(SORTS[sort])) {
            own.ended++
            return
          }
          await sleep(LOOK)
        }
        if (!(await end('true'))) throw new Error('no session was there to be ended')
      }),
    goal: { healthy: 10_000, acknowledged: 15_000 },
    // Each may lose a batch, and they follow one another within moments.
    isSudden: false,
  }
  return { fault, ends }
}

const endOne = (condition: string) => `
  SELECT pg_terminate_backend(pid) AS ended FROM (
    SELECT pid, row_number() OVER (ORDER BY backend_start, pid) - 1 AS n, count(*) OVER () AS number
      FROM pg_stat_activity
     WHERE usename IN ('audit_service', 'lineage_service') AND (${condition})) AS own
   WHERE n = $1 % number LIMIT 1`

/** How many of each sort were ended; where `isJudged`, some of each must have been. */
export function sessionFindings({ ends }: EndedSessions, isJudged: boolean): Finding[] {
  return [...ends].map(([sort, { asked, ended }]) => ({
    what: `sessions ${sort} met and ended`,
    figure: `${ended} of ${asked}`,
    holds: isJudged ? ended > 0 : null,
  }))
}
