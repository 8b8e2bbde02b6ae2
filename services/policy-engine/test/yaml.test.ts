import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsOf, loadSet, policyOf } from './sets.ts'

/** The first problem of a file, as `line:column code`. */
function firstProblem(content: string): string {
  const [problem] = errorsOf(content)
  return problem ? `${problem.line}:${problem.column} ${problem.code}` : 'none'
}

const BOMB = Array.from({ length: 30 }, (_, i) =>
  i === 0 ? 'k0: &a0 [x, x]' : `k${i}: &a${i} [*a${i - 1}, *a${i - 1}]`,
)

const SOUND = policyOf('require: { field: flag, op: eq, value: true }')
const LIMIT = 256 * 1024

const REFUSED: [name: string, content: string, problem: string][] = [
  ['an anchor', 'policy: &a p\n', '1:9 yaml_feature'],
  ['an alias', 'a: 1\nb: *a\n', '2:4 yaml_feature'],
  ['a tag', 'policy: !!str p\n', '1:9 yaml_feature'],
  ['a bomb of aliases', BOMB.join('\n'), '1:5 yaml_feature'],
  ['a tag that names a type of a program', 'policy: !!js/function x\n', '1:9 yaml_feature'],
  ['a file of 1 MiB', `${'a: b\n'.repeat(2 ** 20 / 5)}`, '1:1 too_large'],
  ['a text of 1 MiB', `policy: "${'x'.repeat(2 ** 20)}"`, '1:1 too_large'],
  ['a comment of 1 MiB', `policy: p # ${'x'.repeat(2 ** 20)}`, '1:1 too_large'],
  ['a merge key', 'a:\n  <<: { b: 1 }\n', '2:3 yaml_feature'],
  ['a directive', '%YAML 1.1\n---\na: 1\n', '1:1 yaml_feature'],
  ['a second document', 'a: 1\n---\nb: 2\n', '2:1 yaml_feature'],
  ['a second document after an end mark', 'a: 1\n...\nb: 2\n', '3:1 yaml_feature'],
  ['a key given twice', 'policy: p\na: 1\n"a": 2\n', '3:1 duplicate_key'],
  ['a key that is a list', 'policy: p\n? [a]\n: 1\n', '2:3 yaml_syntax'],
  ['a flow map that does not end', 'policy: { a: 1\n', '2:1 yaml_syntax'],
  ['a tab as indentation', 'policy:\n\ta: 1\n', '2:1 yaml_syntax'],
  ['a bad escape', 'policy: "\\q"\n', '1:10 yaml_syntax'],
  ['a plain yes', 'policy: p\nowner: yes\n', '2:8 ambiguous_word'],
  ['a plain Off as an item', 'policy: p\nlaw: [a, Off]\n', '2:10 ambiguous_word'],
  ['a plain no as a key', 'policy: p\nno: 1\n', '2:1 ambiguous_word'],
  ['a number with a leading zero', 'policy: p\na: 007\n', '2:4 ambiguous_number'],
  ['a fraction with a leading zero', 'policy: p\na: -00.5\n', '2:4 ambiguous_number'],
  ['.nan', 'policy: p\na: .nan\n', '2:4 ambiguous_number'],
  ['-.inf', 'policy: p\na: -.inf\n', '2:4 ambiguous_number'],
  ['a number that overflows', 'policy: p\na: 1e999\n', '2:4 ambiguous_number'],
  ['an integer that loses digits', 'policy: p\na: 9007199254740993\n', '2:4 ambiguous_number'],
  ['a long hexadecimal number', 'policy: p\na: 0xfffffffffffffffe\n', '2:4 ambiguous_number'],
  ['a control character', 'policy: p\na: "\u0007"\n', '2:5 bad_character'],
  ['a mark that reorders text', 'policy: p\na: x # \u202etxet\n', '2:8 bad_character'],
  ['an escaped U+0000', 'policy: p\na: "\\0"\n', '2:4 bad_character'],
  ['half of a surrogate pair', 'policy: p\na: "\\ud800"\n', '2:4 bad_character'],
  ['an empty file', '', '1:1 unknown_file_kind'],
]

for (const [name, content, problem] of REFUSED) {
  test(`${name} is refused`, () => assert.equal(firstProblem(content), problem))
}

test('quoted words, 1.5, 0.5, 1e3, a start mark and Windows line ends are read', () => {
  loadSet(SOUND.replace('policy: p', 'policy: p\nowner: "yes"'))
  loadSet(`---\n${SOUND}`)
  loadSet(SOUND.replaceAll('\n', '\r\n'))
  for (const number of ['1.5', '0.5', '1e3', '-1', '0']) {
    loadSet(policyOf(`require: { field: amount, op: gt, value: ${number} }`))
  }
})

test('several mistakes of a file are all reported', () => {
  const codes = errorsOf('a: yes\nb: 007\nc: *x\n').map(({ code }) => code)
  assert.deepEqual(codes, ['yaml_feature'])
  const scalars = errorsOf('a: yes\nb: 007\n').map(({ line, code }) => `${line} ${code}`)
  assert.deepEqual(scalars, ['1 ambiguous_word', '2 ambiguous_number'])
})

test('256 KiB are read and one byte more is not', () => {
  const filler = (size: number) => `${SOUND}#${' '.repeat(size - Buffer.byteLength(SOUND) - 1)}`
  loadSet(filler(LIMIT))
  assert.equal(firstProblem(filler(LIMIT + 1)), '1:1 too_large')
  assert.equal(firstProblem(`${filler(LIMIT).slice(0, -1)}é`), '1:1 too_large')
})

test('1,000 keys are read and one more is not', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: 1`).join('\n')
  assert.equal(firstProblem(keys(1000)), '1:1 unknown_file_kind')
  assert.equal(firstProblem(keys(1001)), '1001:1 too_many_keys')
  assert.equal(firstProblem(`{ ${keys(1001).replaceAll('\n', ', ')} }`), '1:8893 too_many_keys')
  const valueless = Array.from({ length: 1001 }, (_, i) => `k${i}`).join(', ')
  assert.match(firstProblem(`{ ${valueless} }`), /too_many_keys$/)
  assert.match(firstProblem(`[${'a: 1, '.repeat(1001)}]`), /too_many_keys$/)
  assert.match(firstProblem('? a\n'.repeat(1001)), /too_many_keys$/)
})

test('32 levels are read and one more is not', () => {
  assert.equal(firstProblem(`${'['.repeat(32)}${']'.repeat(32)}`), '1:1 unknown_file_kind')
  assert.equal(firstProblem(`${'['.repeat(33)}${']'.repeat(33)}`), '1:33 too_deep')
  assert.equal(firstProblem(`${'- '.repeat(32)}a`), '1:1 unknown_file_kind')
  assert.match(firstProblem(`${'- '.repeat(33)}a`), /too_deep$/)
  assert.match(firstProblem('{a: '.repeat(60_000)), /too_deep$/)
  assert.match(firstProblem('- '.repeat(130_000)), /too_deep$/)
  assert.match(firstProblem('? '.repeat(130_000)), /too_deep$|yaml_syntax$/)
})

// Each fills the whole size allowed with one pattern that costs a careless reader quadratic time,
// deep recursion or an error object for every few bytes.
const PIECES = ['a\n', '[a],', '"\n', ': ', '? ', '- |\n', '&a ', '---\n', ' \n', 'no,']
const OPENINGS = ['', '- ', 'policy: x\nrules: [']

for (const piece of PIECES) {
  test(`attack: a file full of ${JSON.stringify(piece)} is refused`, () => {
    for (const opening of OPENINGS) {
      const room = LIMIT - opening.length
      const content = opening + piece.repeat(Math.ceil(room / piece.length)).slice(0, room)
      const problems = errorsOf(content)
      assert.ok(problems.length > 0)
      assert.ok(problems.length <= 101)
    }
  })
}

test('attack: thousands of wrong values beside a long enum are refused', () => {
  const names = Array.from({ length: 6000 }, (_, i) => `value${i}`)
  const content = SOUND.replace('enum: [red, green, blue]', `enum: [${names.join(', ')}]`).replace(
    'flag, op: eq, value: true',
    `colour, op: in, value: [${names.join('x, ')}x]`,
  )
  assert.equal(errorsOf(content).length, 100)
})
