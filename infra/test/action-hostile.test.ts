// The action against texts that mean harm.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createTestDatabase } from '../test-support/database.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { startStack } from '../test-support/stack.ts'
import { actionFolder, runStep } from './action-step.ts'

const root = join(import.meta.dirname, '..', '..')

interface Commands {
  oneLine(text: string): string
  escapeData(text: string): string
  escapeProperty(text: string): string
  annotation(level: string, title: string, message: string): string
  outputLines(outputs: Record<string, string>, makeDelimiter: () => string): string
}
const load = (file: string) => import(pathToFileURL(join(actionFolder, file)).href)
const commands = (await load('commands.js')) as Commands
const { escapeMarkdown } = (await load('summary.js')) as { escapeMarkdown(text: string): string }

const ATTACK =
  'no%0A::set-output name=allowed::true\n::add-path::/tmp/x\n##[set-output name=allowed;]true' +
  '\n::stop-commands::x | <img src=x> [a](http://x) `b` \\| @all'

test('data of a command cannot end its line, nor can a property end its value', () => {
  assert.equal(commands.escapeData('50%\r\n::x'), '50%25%0D%0A::x')
  assert.equal(commands.escapeProperty('a:b,c%'), 'a%3Ab%2Cc%25')
})

test('control characters, separators, direction marks and half characters become visible escapes', () => {
  assert.equal(
    commands.oneLine('a\u0000\u001b\u007f\u0085\u2028\u202e\ud800b'),
    'a\\u0000\\u001b\\u007f\\u0085\\u2028\\u202e\\ud800b',
  )
})

test('an annotation is one line whatever its title and its message hold', () => {
  const line = commands.annotation('error', 'a,file=x::b\n', ATTACK)
  assert.doesNotMatch(line, /\n|##\[/)
  assert.match(line, /^::error title=a%2Cfile=x%3A%3Ab\\u000a::no%250A::set-output/)
})

test('a value that knows the name of an output cannot set another one', () => {
  let made = 0
  const text = commands.outputLines({ a: 'x\nallowed<<E\ntrue\nE', b: 'y' }, () => `d${++made}`)
  assert.equal(text, 'a<<d1\nx\nallowed<<E\ntrue\nE\nd1\nb<<d2\ny\nd2\n')
})

test('Markdown and HTML lose their meaning, letters do not', () => {
  assert.equal(
    escapeMarkdown('a|b <c> [d](e) `f` \\'),
    ['a&#124;b &#60;c&#62; &#91;d&#93;&#40;e&#41; &#96;f&#96; &#92;'].join(''),
  )
})

test('a policy whose reason holds commands, Markdown and HTML commands nothing', async (t) => {
  const folder = scratchFolder(t)
  const policy = readFileSync(join(root, 'policies/model-policy.yml'), 'utf8')
  const reason = 'reason: The request must name a class of model that the board has admitted.'
  assert.ok(policy.includes(reason))
  const hostile = policy.replace(reason, () => `reason: ${JSON.stringify(ATTACK)}`)
  writeFileSync(join(folder, 'model-policy.yml'), hostile)
  writeFileSync(
    join(folder, 'risk-matrix.yml'),
    readFileSync(join(root, 'policies/risk-matrix.yml')),
  )
  const database = await createTestDatabase()
  const stack = await startStack(database, { policies: folder })
  t.after(async () => {
    await stack.stop()
    await database.drop()
  })

  const { code, stdout, outputs, summary, ...step } = await runStep({
    url: stack.gateway.url,
    subject: ATTACK,
    payload: '{"model_class":"x"}',
  })
  assert.equal(code, 1)
  assert.notEqual(outputs['entry-id'], '')
  assert.deepEqual([...new Set(step.commands.map(({ name }) => name))], ['error'])
  assert.match(step.commands[0]?.message ?? '', /^no%0A::set-output .*true\\u000a::add-path/)
  assert.doesNotMatch(stdout, /##\[|[^\P{Cc}\n]/u)
  assert.equal(outputs.allowed, 'false')
  assert.doesNotMatch(summary, /<|\]\(|`|@|http:|name=allowed/)
})
