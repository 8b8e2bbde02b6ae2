import { GOALS, type Goal } from '../goals.ts'
import { pgbench } from '../load/pgbench.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import type { Ground } from './ground.ts'
import { preparePlainTable } from './plain-table.ts'

const FLOOR = 'INSERT of the same columns by pgbench, 64 clients'

/**
 * Appends a second at the service and through the gateway, beside pgbench inserting the same columns into a plain table.
 */
export async function benchAppend(ground: Ground): Promise<Figure[]> {
  const { stack, rounds, database } = ground
  const program = ground.program('pgbench', FLOOR)
  const insert = await preparePlainTable(ground)
  const post = (url: string, connections: number) => () =>
    ground
      .load({ url, body: EVENT }, { connections, seconds: rounds.seconds })
      .then(({ rate }) => rate)
  const log = `${stack.audit.url}/log`
  const subjects: Record<string, [measure: () => Promise<number>, goal: Goal]> = {
    'POST /log at the service, 64': [post(log, 64), GOALS.append],
    'POST /log through the gateway, 64': [
      post(`${stack.gateway.url}/mcp-audit/log`, 64),
      GOALS.appendGateway,
    ],
    'POST /log?proof=true at the service, 64': [post(`${log}?proof=true`, 64), GOALS.appendProof],
    'POST /log at the service, 256': [post(log, 256), GOALS.appendMany],
  }
  const contenders = {
    ...(program && { [FLOOR]: () => pgbench(program, database, insert, rounds.seconds) }),
    ...Object.fromEntries(Object.entries(subjects).map(([name, [measure]]) => [name, measure])),
  }
  const measured = await interleave('append', contenders, rounds.count, ground.say)
  return Object.entries(measured).map(
    ([name, values]): Figure => ({
      ...{ name, what: 'rate', unit: '/s', values },
      ratios: name === FLOOR ? [] : ratioTo('INSERT', values, measured[FLOOR], subjects[name]?.[1]),
    }),
  )
}
