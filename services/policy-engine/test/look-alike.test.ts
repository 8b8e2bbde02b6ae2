import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brief, errorsOf, policyOf } from './sets.ts'

const SOUND = policyOf('deny: { field: flag, op: eq, value: true }')

const DISGUISES: [name: string, word: string][] = [
  ['a Cyrillic letter among Latin ones', 's\u043ecial-scoring'],
  ['a Greek letter among Latin ones', 'social-sc\u03bfring'],
  ['a space of no width', 'social\u200b-scoring'],
  ['a joiner', 'social\u200d-scoring'],
  ['a soft hyphen', 'social\u00ad-scoring'],
  ['a no-break space', 'social\u00a0scoring'],
  ['a space behind it', 'social-scoring '],
  ['a tab before it', '\tsocial-scoring'],
  ['an accent apart from its letter', 'scoring-re\u0301gional'],
]

/** Where the word stands in a file, with the code expected there. */
function problemAt(file: string, content: string, word: string): string {
  const before = content.slice(0, content.indexOf(`"${word}"`)).split('\n')
  return `${file}:${before.length}:${before.at(-1)!.length + 1} look_alike`
}

for (const [name, word] of DISGUISES) {
  test(`attack: ${name} does not disarm a deny rule unseen`, () => {
    for (const policy of [
      policyOf(`deny: { field: text, op: eq, value: "${word}" }`),
      policyOf(`deny: { field: text, op: in, value: [a, "${word}"] }`),
      SOUND.replace('[red,', `["${word}",`),
    ]) {
      assert.deepEqual(brief(errorsOf(policy)), [problemAt('p.yml', policy, word)])
    }
    const risk = `factors: [{ id: a, field: text, weight: 1, points: { "${word}": 1 } }]\nlevels: { low: 0 }\ndeny_at: 1\n`
    assert.deepEqual(brief(errorsOf(SOUND, risk)), [problemAt('risk-matrix.yml', risk, word)])
  })
}

test('attack: a block scalar, which ends in a line break, does not disarm a deny rule unseen', () => {
  for (const mark of ['>', '|']) {
    const policy = policyOf('deny: { field: flag, op: eq, value: true }').replace(
      /deny: .*/,
      `deny:\n      field: text\n      op: eq\n      value: ${mark}\n        social-scoring\n`,
    )
    const block = policy.replace(/- \{ id: r1, reason: R1, /, '- id: r1\n    reason: R1\n    ')
    assert.deepEqual(
      errorsOf(block).map(({ code, line }) => [code, block.split('\n')[line - 1]?.trim()]),
      [['look_alike', `value: ${mark}`]],
    )
  }
})

test('words of any one script are read', () => {
  for (const word of ['crédit', 'кредит', 'πίστωση', '信用', 'Straße 5', 'a кредит', 'k-Ω']) {
    assert.deepEqual(errorsOf(policyOf(`deny: { field: text, op: eq, value: "${word}" }`)), [])
  }
})
