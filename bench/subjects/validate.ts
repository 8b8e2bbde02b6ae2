import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { freePort } from '@ai-governance/infra/local/ports'
import { GOALS } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { answers, end, spawnBareRoute, startOpa } from '../peers/processes.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import type { Ground } from './ground.ts'

const FLOOR = 'a bare Fastify route, 64'
const SUBJECT = 'POST /validate at the service, 64'
const OPA = 'OPA with the same rules, 64'

/**
 * Decisions a second with 64 connections, and the time of the slowest hundredth: mcp-policy with the shipped policies,
 * beside a bare Fastify route that parses the same body and answers as many bytes, and beside OPA with the same rules in
 * Rego (peers/opa/release.rego).
 */
export async function benchValidate(ground: Ground): Promise<Figure[]> {
  const { stack, load, rounds, say } = ground
  await using cleanup = new AsyncDisposableStack()
  const url = `${stack.policy.url}/validate`
  const post = (to: string, body: object) => () =>
    load({ url: to, body }, { connections: 64, seconds: rounds.seconds })
  const port = await freePort()
  const bare = spawnBareRoute(port, await answerBytes(url))
  cleanup.defer(() => end(bare))
  await answers(`http://127.0.0.1:${port}/`)
  const opa = ground.program('opa', OPA)
  const contenders = {
    [FLOOR]: post(`http://127.0.0.1:${port}/validate`, { payload: EXAMPLE_PAYLOAD }),
    [SUBJECT]: post(url, { payload: EXAMPLE_PAYLOAD }),
    ...(opa && {
      [OPA]: post(await startOpa(opa, cleanup), { input: { payload: EXAMPLE_PAYLOAD } }),
    }),
  }
  const measured = await interleave('validate', contenders, rounds.count, say)
  const rates = (name: string) => measured[name]?.map(({ rate }) => rate)
  const times = (name: string) => measured[name]?.map(({ p99 }) => p99)
  return Object.keys(contenders).flatMap((name): Figure[] => {
    const [rate = [], time = []] = [rates(name), times(name)]
    const isSubject = name === SUBJECT
    return [
      {
        ...{ name, what: 'rate', unit: '/s', values: rate },
        ratios: isSubject
          ? [
              ...ratioTo('the bare route', rate, rates(FLOOR), GOALS.validate),
              ...ratioTo('OPA', rate, rates(OPA), GOALS.validateOpa),
            ]
          : [],
      },
      {
        ...{ name, what: '99 % within', unit: 'µs', values: time },
        ratios: isSubject ? ratioTo('OPA', time, times(OPA), GOALS.validateOpaTime) : [],
      },
    ]
  })
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
