import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { freePort } from '@ai-governance/infra/local/ports'
import { GOALS } from '../goals.ts'
import { openLoop } from '../load/load.ts'
import { type Call, requestText } from '../load/request-text.ts'
import { interleave } from '../load/rounds.ts'
import { answers, end, spawnBareRoute, startOpa } from '../peers/processes.ts'
import { type Figure, median, ratioTo } from '../report/figures.ts'
import type { Ground } from './ground.ts'

const FLOOR = 'a bare Fastify route'
const SUBJECT = 'POST /validate at the service'
const OPA = 'OPA with the same rules'
/** Connections of the load that does not wait, at most: more than its requests ever need. */
const CONNECTIONS = 900

/**
 * Decisions a second with 64 connections: mcp-policy with the shipped policies, beside a bare Fastify route that parses the same
 * body and answers as many bytes, and beside OPA with the same rules in Rego (peers/opa/release.rego). And the time of the
 * slowest hundredth, of mcp-policy and OPA, at half of the rate that the slower of them gives: where both have as much to do
 * as they can, the time says no more than the rate.
 */
export async function benchValidate(ground: Ground): Promise<Figure[]> {
  const { stack, load, rounds, say } = ground
  await using cleanup = new AsyncDisposableStack()
  const url = `${stack.policy.url}/validate`
  const port = await freePort()
  const bare = spawnBareRoute(port, await answerBytes(url))
  cleanup.defer(() => end(bare))
  await answers(`http://127.0.0.1:${port}/`)
  const opa = ground.program('opa', OPA)
  const bareCall: Call = {
    url: `http://127.0.0.1:${port}/validate`,
    body: { payload: EXAMPLE_PAYLOAD },
  }
  const deciding: Record<string, Call> = {
    [SUBJECT]: { url, body: { payload: EXAMPLE_PAYLOAD } },
    ...(opa && {
      [OPA]: { url: await startOpa(opa, cleanup), body: { input: { payload: EXAMPLE_PAYLOAD } } },
    }),
  }
  const contenders = mapValues({ [FLOOR]: bareCall, ...deciding }, (call) => async () => {
    const { rate } = await load(call, { connections: 64, seconds: rounds.seconds })
    return rate
  })
  const rates = await interleave('validate', contenders, rounds.count, say)
  const rateFigures = Object.entries(rates).map(
    ([name, values]): Figure => ({
      ...{ name: `${name}, 64`, what: 'rate', unit: '/s', values },
      ratios:
        name === SUBJECT
          ? [
              ...ratioTo('the bare route', values, rates[FLOOR], GOALS.validate),
              ...ratioTo('OPA', values, rates[OPA], GOALS.validateOpa),
            ]
          : [],
    }),
  )
  const slower = Math.min(...Object.keys(deciding).map((name) => median(rates[name] ?? [])))
  return [...rateFigures, ...(await timesOf(deciding, Math.round(slower / 2), ground))]
}

/** Within how long 99 % are decided when so many a second are asked for, whether those before were answered or not. */
async function timesOf(
  deciding: Readonly<Record<string, Call>>,
  rate: number,
  { rounds, say }: Ground,
): Promise<Figure[]> {
  const contenders = mapValues(deciding, (call) => async () => {
    const { port, text } = requestText(call)
    const { seconds } = rounds
    const load = { port, requests: [text], rate, seconds, connections: CONNECTIONS }
    const { answers, due, p99 } = await openLoop(load)
    if (answers['200'] !== due) throw new Error(`${call.url}: ${JSON.stringify(answers)}`)
    return p99
  })
  const title = `validate, ${rate.toLocaleString('en')} a second`
  const times = await interleave(title, contenders, rounds.count, say)
  return Object.entries(times).map(
    ([name, values]): Figure => ({
      ...{ name, what: '99 % within, at half of the slower rate', unit: 'ms', values },
      ratios: name === SUBJECT ? ratioTo('OPA', values, times[OPA], GOALS.validateOpaTime) : [],
    }),
  )
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}

async function answerBytes(url: string): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload: EXAMPLE_PAYLOAD }),
  })
  if (answer.status !== 200) throw new Error(`POST /validate answered ${answer.status}`)
  return (await answer.arrayBuffer()).byteLength
}
