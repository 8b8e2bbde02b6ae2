// One round of the subject `policy`, in a process of its own: `node policy-round.ts allowed` or `empty`. Prints a
// `PolicyRound` as JSON. How a process compiles a function differs from one to the next by a tenth and then stays, so rounds
// of one process would lie closer together than two runs do.
import { evaluate, type Request } from '@ai-governance/policy-engine/evaluate'
import {
  formatLoadProblem,
  loadPolicySet,
  type PolicySet,
} from '@ai-governance/policy-engine/load/load-policies'
import { quantile } from '../report/figures.ts'
import { type Kind, type PolicyRound, RULES, type Times } from './policy.ts'

/** One file may not hold as many keys as 100 rules have. */
const LAYERS = 4
const EVALUATIONS = 20_000
/** Until code is compiled and the heap has found its size, as in a service that runs. */
const WARM_UPS = 5
const NOW = new Date('2026-06-15T12:00:00Z')

const RISK = `
weights: { harm: 3, reach: 2, watch: -2 }
factors:
  - { id: use, field: use, weight: 1, points: { general: 0, hiring: 5, credit: 4 } }
  - { id: size, field: size, weight: 1, bands: [{ from: 0, points: 0 }, { from: 1000000, points: 3 }] }
levels: { low: 0, high: 30 }
deny_at: 40
`

const HEAD = `version: "1"
thresholds: { accuracy: 0.85 }
inputs:
  use: { type: string, enum: [general, hiring, credit] }
  team: { type: string }
  size: { type: integer, min: 0 }
  oversight.human: { type: string, enum: [none, on-the-loop, in-the-loop] }
  oversight.owner: { type: string }
  tools: { type: list }
  accuracy: { type: number, min: 0, max: 1, source: aibom }
`
const EXCUSE =
  'match: { field: team, op: eq, value: research }, expires: "2027-03-31", approved_by: dpo@example.org, why: Pilot.'

/** What a request says that keeps every rule. */
const GOOD = {
  use: 'general',
  team: 'vision',
  size: 250_000,
  oversight: { human: 'in-the-loop', owner: 'board' },
  tools: ['search', 'calendar', 'mail'],
  risk: { harm: 1, reach: 1, watch: 3 },
}

const REQUESTS: Record<Kind, Request> = {
  allowed: { payload: GOOD, evidence: { accuracy: 0.9 }, now: NOW },
  empty: { payload: {}, evidence: null, now: NOW },
}

function measure(kind: Kind): PolicyRound {
  const set = hundredRules()
  const request = REQUESTS[kind]
  const verdict = evaluate(set, request)
  if (verdict.allowed !== (kind === 'allowed')) throw new Error(verdict.reasons.join('\n'))
  const text = JSON.stringify(request.payload)
  const floor = () => timesOf(() => JSON.stringify([JSON.parse(text), verdict]))
  const subject = () => timesOf(() => evaluate(set, request))
  for (let n = 0; n < WARM_UPS; n += 1) {
    floor()
    subject()
  }
  return { floor: floor(), subject: subject() }
}

function timesOf(run: () => unknown): Times {
  const times = new Float64Array(EVALUATIONS)
  for (let i = 0; i < EVALUATIONS; i += 1) {
    const start = process.hrtime.bigint()
    run()
    times[i] = Number(process.hrtime.bigint() - start)
  }
  return { middle: quantile(times, 0.5), slowest: quantile(times, 0.99) }
}

function hundredRules(): PolicySet {
  const shapes = [
    'require: { field: team, op: ne, value: x# }',
    'deny: { field: use, op: in, value: [hiring, credit] }',
    'when: { field: use, op: eq, value: hiring }, require: { field: oversight.human, op: eq, value: in-the-loop }',
    'require: { field: size, op: lt, value: 1000000# }',
    'mode: warn, require: { field: accuracy, op: gte, value_from: thresholds.accuracy }',
    'deny: { field: tools, op: contains, value: shell# }',
    'require: { all: [{ field: oversight.owner, op: ne, value: "" }, { field: oversight.human, op: in, value: [in-the-loop, on-the-loop] }] }',
    'deny: { any: [{ field: risk.harm, op: gte, value: 4 }, { all: [{ field: use, op: eq, value: credit }, { field: size, op: gt, value: # }] }] }',
    'effective_from: "2026-01-01", require: { field: accuracy, op: gt, value: 0.5 }',
    'require: { any: [{ field: use, op: eq, value: general }, { field: oversight.human, op: eq, value: in-the-loop }] }',
  ]
  const layers = Array.from({ length: LAYERS }, (_, layer) => {
    const numbers = Array.from({ length: RULES / LAYERS }, (_, i) => layer * (RULES / LAYERS) + i)
    const rules = numbers.map((i) => {
      const shape = shapes[i % shapes.length]!.replaceAll('#', String(i))
      return `  - { id: rule-${i}, law: ["Art. ${i}"], reason: Reason ${i}., ${shape} }\n`
    })
    const waivers = numbers
      .filter((i) => i % 10 === 0)
      .map((i) => `  - { rule: rule-${i}, ${EXCUSE} }\n`)
    const content = `policy: bench-${layer}\n${HEAD}rules:\n${rules.join('')}waivers:\n${waivers.join('')}`
    return { name: `bench-${layer}.yml`, content }
  })
  const loaded = loadPolicySet([...layers, { name: 'risk-matrix.yml', content: RISK }])
  if (!loaded.ok) throw new Error(loaded.errors.map(formatLoadProblem).join('\n'))
  return loaded.set
}

console.log(JSON.stringify(measure(process.argv[2] as Kind)))
