// Random policies against random requests. POLICY_CASES says how many requests each property judges:
// 12,000 unless it is set; the full count is POLICY_CASES=100000 and takes some minutes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate, type Verdict } from '../src/evaluate.ts'
import { loadPolicySet, type PolicySet } from '../src/load/load-policies.ts'
import { interpret, type Naive } from './naive-interpreter.ts'
import { filesOf, type Policies, policies, without } from './random-policy.ts'
import { type Case, cases, lose, losses } from './random-request.ts'

const CASES = Number(process.env.POLICY_CASES ?? 12_000)
const CASES_PER_SET = 40
const RUNS = { numRuns: Math.ceil(CASES / CASES_PER_SET) }

interface Loaded {
  set: PolicySet
  /** What was loaded. */
  kept: Policies
}

/**
 * Loads random policies. The loader refuses rules and waivers that it can prove pointless; they are
 * left out and the rest is loaded. Null if no rule is left.
 */
function load(all: Policies): Loaded | null {
  let kept = all
  for (;;) {
    if (kept.layers.length === 0) return null
    const loaded = loadPolicySet(filesOf(kept))
    if (loaded.ok) return { set: loaded.set, kept }
    for (const { code, message } of loaded.errors) assert.match(code, /_never_matches$/, message)
    kept = without(kept, loaded.errors)
  }
}

function decide(set: PolicySet, request: Case): Verdict {
  const verdict = evaluate(set, request, (error) => assert.fail(error as Error))
  assert.ok(!verdict.reasons.some((reason) => reason.startsWith('engine:')))
  return verdict
}

/** A verdict as the naive interpreter tells it. */
function brief(verdict: Verdict): Naive {
  const who = (text: string) => {
    const expired = /^The waiver of (\w+) /.exec(text)
    return expired ? `expired ${expired[1]}` : text.split(' ')[0]!
  }
  return {
    allowed: verdict.allowed,
    outcomes: verdict.explanation.slice(0, -1).map(({ outcome }) => outcome),
    reasons: verdict.reasons.map(who),
    warnings: verdict.warnings.map(who),
    waived: verdict.waived.map((text) => text.split(':')[0]!),
    score: verdict.risk_score,
    level: verdict.risk_level,
    parts: verdict.risk_parts.map(({ factor, weight, points, worst }) => ({
      factor,
      adds: weight * points + 0,
      worst,
    })),
  }
}

test('omission never helps: saying less turns no deny into an allow and lowers no risk', () => {
  let judged = 0
  const seen = { allowedWithLess: 0, denied: 0, waivedWithLess: 0, excuseLost: 0 }
  const pairs = fc.array(fc.tuple(cases, fc.array(losses, { minLength: 1, maxLength: 3 })), {
    minLength: CASES_PER_SET,
    maxLength: CASES_PER_SET,
  })
  const property = fc.property(policies, pairs, (all, requests) => {
    const loaded = load(all)
    fc.pre(loaded !== null)
    for (const [request, lost] of requests) {
      const full = decide(loaded!.set, request)
      const less = decide(loaded!.set, lose(request, lost))
      assert.ok(!less.allowed || full.allowed)
      assert.ok(less.risk_score >= full.risk_score)
      judged += 1
      if (less.allowed) seen.allowedWithLess += 1
      if (!full.allowed) seen.denied += 1
      if (less.allowed && less.counts.waived > 0) seen.waivedWithLess += 1
      if (less.counts.waived < full.counts.waived) seen.excuseLost += 1
    }
  })
  fc.assert(property, RUNS)
  assert.ok(judged >= CASES)
  // Were everything denied, or everything allowed, the property would say nothing.
  const { allowedWithLess, denied, waivedWithLess, excuseLost } = seen
  const said = `${judged} judged: ${JSON.stringify(seen)}`
  assert.ok(allowedWithLess > judged / 50 && denied > judged / 10, said)
  assert.ok(waivedWithLess > judged / 1000 && excuseLost > judged / 500, said)
})

test('the engine agrees with a naive interpreter of the language', () => {
  let judged = 0
  const seen = new Map<string, number>()
  const requests = fc.array(cases, { minLength: CASES_PER_SET, maxLength: CASES_PER_SET })
  const property = fc.property(policies, requests, (all, batch) => {
    const loaded = load(all)
    fc.pre(loaded !== null)
    for (const request of batch) {
      const naive = interpret(loaded!.kept, request)
      assert.deepEqual(brief(decide(loaded!.set, request)), naive)
      judged += 1
      const events = [
        ...naive.outcomes,
        ...naive.warnings.map((text) => text.split(' ')[0]!).filter((text) => text === 'expired'),
        ...naive.parts.map(({ worst }) => (worst ? 'worst' : 'stated')),
        naive.allowed ? 'allowed' : 'denied',
      ]
      for (const event of events) seen.set(event, (seen.get(event) ?? 0) + 1)
    }
  })
  fc.assert(property, RUNS)
  assert.ok(judged >= CASES)
  const common = [
    'kept',
    'broken',
    'not_established',
    'not_applicable',
    'waived',
    'worst',
    'stated',
  ]
  for (const event of [...common, 'expired', 'allowed', 'denied']) {
    assert.ok(
      (seen.get(event) ?? 0) > judged / 50,
      `too few ${event}: ${JSON.stringify([...seen])}`,
    )
  }
})

test('the order of rules changes neither the decision nor the outcome of any rule', () => {
  const shuffled = policies.chain((all) =>
    fc.tuple(
      fc.constant(all),
      fc.tuple(
        ...all.layers.map((layer) =>
          fc
            .shuffledSubarray(layer.rules, { minLength: layer.rules.length })
            .map((rules) => ({ ...layer, rules })),
        ),
      ),
    ),
  )
  const property = fc.property(shuffled, fc.array(cases), ([all, layers], batch) => {
    const before = load(all)
    const after = load({ ...all, layers })
    fc.pre(before !== null && after !== null)
    const byRule = (verdict: Verdict) =>
      verdict.explanation.map(({ rule, outcome }) => `${rule} ${outcome}`).sort()
    for (const request of batch) {
      const one = decide(before!.set, request)
      const other = decide(after!.set, request)
      assert.equal(one.allowed, other.allowed)
      assert.deepEqual(byRule(one), byRule(other))
    }
  })
  fc.assert(property, { numRuns: 100 })
})
