import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import { type Figure, median } from './figures.ts'
import { wrk, wrkScript } from './load.ts'

const SIZES = [10_000, 10_000_000] as const

/** Appends a second at 64 connections while the log is small, and when it has ten million entries. */
export async function benchGrowth(
  stack: Stack,
  database: { ownerUrl: string },
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const owner = new Client({ connectionString: database.ownerUrl })
  owner.on('error', () => {})
  await owner.connect()
  const script = wrkScript(folder)
  const figures: Figure[] = []
  try {
    for (const size of SIZES) {
      for (let at = 0; at < size; ) {
        at = Math.min(size, at + 250_000)
        say(`growth: filling the log to ${size.toLocaleString('en')} entries, now ${at}`)
        await fillLog(owner, at)
      }
      // VACUUM refuses to share a message with anything else.
      await owner.query('VACUUM ANALYZE audit_log')
      await owner.query('CHECKPOINT')
      await wrk(`${stack.audit.url}/log`, script, 64, 2)
      const values: number[] = []
      for (let round = 1; round <= rounds.count; round++) {
        say(`growth: round ${round} of ${rounds.count}`)
        values.push(await wrk(`${stack.audit.url}/log`, script, 64, rounds.seconds))
      }
      figures.push({ name: `POST /log, a log of ${size.toLocaleString('en')}`, unit: '/s', values })
    }
  } finally {
    await owner.end()
  }
  const [small, large] = figures as [Figure, Figure]
  large.ratio = { of: 'the small log', value: median(large.values) / median(small.values) }
  return figures
}
