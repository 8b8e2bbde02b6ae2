import assert from 'node:assert/strict'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { evaluate, type Verdict } from '../src/evaluate.ts'
import {
  formatLoadProblem,
  type LoadProblem,
  loadPolicySet,
  type PolicySet,
} from '../src/load/load-policies.ts'

/** A risk matrix that never denies and whose score is 0 for `{ "risk": { "exposure": 0 } }`. */
export const CALM_RISK = `
weights: { exposure: 1 }
levels: { low: 0, high: 4 }
deny_at: 100
`

/** Inputs of every type, for rules under test. */
export const INPUTS = `
inputs:
  text: { type: string }
  colour: { type: string, enum: [red, green, blue] }
  amount: { type: number }
  share: { type: number, min: 0, max: 1 }
  count: { type: integer, min: 0 }
  flag: { type: boolean }
  tags: { type: list }
  tools: { type: list, enum: [search, shell] }
  sizes: { type: list, items: number }
  outer.inner: { type: string }
  constructor: { type: string }
  __proto__.length: { type: number }
  proven.share: { type: number, min: 0, max: 1, source: aibom }
`

/** A policy as `policyOf` writes it, with the items of `waivers` as well. */
export function withWaivers(policy: string, ...waivers: string[]): string {
  return `${policy}waivers:\n${waivers.map((waiver) => `  - { ${waiver} }\n`).join('')}`
}

/** The file of a policy whose rules are given as the text of a YAML flow sequence's items. */
export function policyOf(...rules: string[]): string {
  const items = rules.map(
    (rule, index) => `  - { id: r${index + 1}, reason: R${index + 1}, ${rule} }`,
  )
  return `policy: p\nversion: "1"\n${INPUTS}rules:\n${items.join('\n')}\n`
}

export function loadSet(policy: string, risk = CALM_RISK): PolicySet {
  const loaded = loadPolicySet([
    { name: 'p.yml', content: policy },
    { name: 'risk-matrix.yml', content: risk },
  ])
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(formatLoadProblem).join('\n'))
  return loaded.set
}

export function errorsOf(policy: string, risk = CALM_RISK): LoadProblem[] {
  const loaded = loadPolicySet([
    { name: 'p.yml', content: policy },
    { name: 'risk-matrix.yml', content: risk },
  ])
  return loaded.ok ? [] : loaded.errors
}

export const NOON = new Date('2026-06-15T12:00:00Z')

export function judge(
  set: PolicySet,
  payload: JsonObject,
  { evidence = null, now = NOON }: { evidence?: JsonObject | null; now?: Date } = {},
): Verdict {
  return evaluate(set, { payload, evidence, now })
}

/** What became of each rule `r1`, `r2`, … in order, without the risk limit. */
export function outcomes(verdict: Verdict): string[] {
  return verdict.explanation.filter((it) => it.rule !== 'risk-score').map((it) => it.outcome)
}

/** What became of a single rule, judged on a payload. */
export function outcomeOf(
  rule: string,
  payload: JsonObject,
  evidence: JsonObject | null = null,
): string {
  return outcomes(judge(loadSet(policyOf(rule)), payload, { evidence }))[0]!
}

/** Problems as `file:line:column code`. */
export function brief(problems: readonly LoadProblem[]): string[] {
  return problems.map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`)
}
