import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, type Verdict } from '../src/evaluate.ts'
import { loadPolicySet, type PolicySet } from '../src/load.ts'
import { interpret } from './naive-interpreter.ts'
import {
  type Case,
  cases,
  lose,
  losses,
  NOW,
  type Risk,
  type Rule,
  risk,
  rules,
  textOf,
} from './random-policy.ts'

const POLICIES = 800
const CASES_PER_POLICY = 30

/**
 * Loads random rules. The loader refuses those that it can prove pointless; they are left out and
 * the rest is loaded. Null if none is left.
 */
function load(list: readonly Rule[], matrix: Risk): { set: PolicySet; rules: Rule[] } | null {
  const files = (kept: readonly Rule[]) => [
    { name: 'p.yml', content: textOf(kept) },
    { name: 'risk-matrix.yml', content: JSON.stringify(matrix) },
  ]
  const first = loadPolicySet(files(list))
  if (first.ok) return { set: first.set, rules: [...list] }
  for (const { code } of first.errors) assert.equal(code, 'rule_never_matches')
  const pointless = new Set(first.errors.map(({ line }) => line - 2))
  const kept = list.filter((_, index) => !pointless.has(index))
  if (kept.length === 0) return null
  const second = loadPolicySet(files(kept))
  assert.ok(second.ok)
  return { set: second.set, rules: kept }
}

function decide(set: PolicySet, request: Case): Verdict {
  const verdict = evaluate(set, { ...request, now: NOW })
  assert.ok(!verdict.reasons.some((reason) => reason.startsWith('engine:')))
  return verdict
}

test('omission never helps: saying less turns no deny into an allow and lowers no risk', () => {
  let judged = 0
  let allowedWithLess = 0
  let denied = 0
  const pairs = fc.array(fc.tuple(cases, fc.array(losses, { minLength: 1, maxLength: 3 })), {
    minLength: CASES_PER_POLICY,
    maxLength: CASES_PER_POLICY,
  })
  const property = fc.property(rules, risk, pairs, (list, matrix, requests) => {
    const loaded = load(list, matrix)
    fc.pre(loaded !== null)
    for (const [request, lost] of requests) {
      const full = decide(loaded!.set, request)
      const less = decide(loaded!.set, lose(request, lost))
      assert.ok(!less.allowed || full.allowed)
      assert.ok(less.risk_score >= full.risk_score)
      judged += 1
      if (less.allowed) allowedWithLess += 1
      if (!full.allowed) denied += 1
    }
  })
  fc.assert(property, { numRuns: POLICIES })
  assert.ok(judged >= 20_000)
  // Were everything denied, or everything allowed, the property would say nothing.
  assert.ok(allowedWithLess > judged / 50, `${allowedWithLess} of ${judged} allowed`)
  assert.ok(denied > judged / 10, `${denied} of ${judged} denied`)
})

test('the engine agrees with a naive interpreter of the language', () => {
  let judged = 0
  const seen = new Map<string, number>()
  const requests = fc.array(cases, { minLength: CASES_PER_POLICY, maxLength: CASES_PER_POLICY })
  const property = fc.property(rules, risk, requests, (list, matrix, batch) => {
    const loaded = load(list, matrix)
    fc.pre(loaded !== null)
    for (const request of batch) {
      const verdict = decide(loaded!.set, request)
      const naive = interpret(loaded!.rules, matrix, request)
      const outcomes = verdict.explanation.slice(0, -1).map((it) => it.outcome)
      assert.deepEqual(
        {
          allowed: verdict.allowed,
          outcomes,
          score: verdict.risk_score,
          level: verdict.risk_level,
        },
        naive,
      )
      judged += 1
      for (const outcome of outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
    }
  })
  fc.assert(property, { numRuns: POLICIES })
  assert.ok(judged >= 20_000)
  for (const outcome of ['kept', 'broken', 'not_established', 'not_applicable']) {
    assert.ok((seen.get(outcome) ?? 0) > judged / 50, `too few rules ended ${outcome}`)
  }
})

test('the order of rules changes neither the decision nor the outcome of any rule', () => {
  const shuffled = rules.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  )
  const property = fc.property(shuffled, risk, fc.array(cases), ([list, other], matrix, batch) => {
    const first = load(list, matrix)
    const second = load(other, matrix)
    fc.pre(first !== null && second !== null)
    const byRule = (verdict: Verdict) =>
      verdict.explanation.map(({ rule, outcome }) => `${rule} ${outcome}`).sort()
    for (const request of batch) {
      const before = decide(first!.set, request)
      const after = decide(second!.set, request)
      assert.equal(before.allowed, after.allowed)
      assert.deepEqual(byRule(before), byRule(after))
    }
  })
  fc.assert(property, { numRuns: 200 })
})
