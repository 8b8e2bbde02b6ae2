import type { Stack } from '@ai-governance/infra/test-support/stack'
import { type Figure, median } from './figures.ts'
import { pgbench, preparePlainTable, wrk, wrkScript } from './load.ts'

const FLOOR = 'INSERT of one row by pgbench, 64 clients'

/**
 * Appends a second at 64 connections, at the service and through the gateway, beside pgbench inserting the
 * same columns into a plain table. Rounds of all three alternate, so that a slow moment hits each alike.
 */
export async function benchAppend(
  stack: Stack,
  database: { ownerUrl: string; port: number },
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const insert = await preparePlainTable(database.ownerUrl, folder)
  const script = wrkScript(folder)
  const subjects: [string, () => Promise<number>][] = [
    [FLOOR, () => pgbench(database.port, insert, rounds.seconds)],
    [
      'POST /log at the service, 64',
      () => wrk(`${stack.audit.url}/log`, script, 64, rounds.seconds),
    ],
    [
      'POST /log through the gateway, 64',
      () => wrk(`${stack.gateway.url}/mcp-audit/log`, script, 64, rounds.seconds),
    ],
    [
      'POST /log?proof=true at the service, 64',
      () => wrk(`${stack.audit.url}/log?proof=true`, script, 64, rounds.seconds),
    ],
    [
      'POST /log at the service, 256',
      () => wrk(`${stack.audit.url}/log`, script, 256, rounds.seconds),
    ],
  ]
  const values = new Map<string, number[]>()
  for (let round = 0; round <= rounds.count; round++) {
    for (const [name, measure] of subjects) {
      say(`append, round ${round} of ${rounds.count}${round ? '' : ' (warm-up)'}: ${name}`)
      try {
        const value = await measure()
        if (round > 0) values.set(name, [...(values.get(name) ?? []), value])
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        say(`skipped: ${(error as NodeJS.ErrnoException).path} is not installed`)
      }
    }
  }
  const floor = values.get(FLOOR)
  return [...values].map(([name, list]) => ({
    name,
    unit: '/s',
    values: list,
    ...(floor &&
      name !== FLOOR && { ratio: { of: 'INSERT', value: median(list) / median(floor) } }),
  }))
}
