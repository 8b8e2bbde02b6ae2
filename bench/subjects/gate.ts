import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { processorTime } from '@ai-governance/infra/test-support/processor-time'
import { closedLoop, type Measured } from '../load/load.ts'
import { type Call, type RequestText, requestText } from '../load/request-text.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { type Ground, readsProc } from './ground.ts'

const CONNECTIONS = 64
const GATE = 'POST /gate through the gateway, 64'
const APART = 'POST /validate, then POST /log, at the services, 64'
const LOG = 'POST /log through the gateway, 64'

interface Shown extends Measured {
  /** µs of all service processes together, of PostgreSQL nothing. */
  cpu: number
}

/**
 * Decisions that are on record, a second, by one call of the gate; beside what one would do without a gateway, which is to
 * ask mcp-policy and then tell mcp-audit; and beside an append through the gateway, which is one hop to one service. The
 * load is the bench's own for all three, since no other has callers who go from one server to another.
 */
export async function benchGate(ground: Ground): Promise<Figure[]> {
  const { stack, rounds, say } = ground
  const pids = [stack.gateway, stack.policy, stack.audit].map((one) => one.pid() as number)
  const cpuOfAll = () => pids.reduce((sum, pid) => sum + processorTime(pid), 0)
  const { seconds } = rounds
  const measure = (...calls: Call[]) => {
    const run: RequestText[] = calls.map(requestText)
    return async (): Promise<Shown> => {
      const before = cpuOfAll()
      const measured = await closedLoop({ runs: [run], connections: CONNECTIONS, seconds })
      return { ...measured, cpu: (cpuOfAll() - before) / (measured.rate * seconds) }
    }
  }
  const payload = EXAMPLE_PAYLOAD
  const contenders = {
    [APART]: measure(
      { url: `${stack.policy.url}/validate`, body: { payload } },
      { url: `${stack.audit.url}/log`, body: EVENT },
    ),
    [LOG]: measure({ url: `${stack.gateway.url}/mcp-audit/log`, body: EVENT }),
    [GATE]: measure({
      url: `${stack.gateway.url}/api/v1/gate`,
      body: { subject: EVENT.subject, payload },
    }),
  }
  const measured = await interleave('gate', contenders, rounds.count, say)
  const parts = [
    ['rate', 'rate', '/s'],
    ['p99', '99 % within', 'µs'],
    ...(readsProc(ground, 'CPU of a decision') ? ([['cpu', 'CPU of each', 'µs']] as const) : []),
  ] as const
  return Object.entries(measured).flatMap(([name, shown]): Figure[] =>
    parts.map(([part, what, unit]) => {
      const values = shown.map((one) => one[part])
      const of = (other: string) => measured[other]?.map((one) => one[part])
      const ratios = [
        ...ratioTo('the two calls', values, of(APART)),
        ...ratioTo('POST /log through the gateway', values, of(LOG)),
      ]
      return { name, what, unit, values, ratios: name === GATE ? ratios : [] }
    }),
  )
}
