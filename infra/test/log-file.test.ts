import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { beginLog, lastWords } from '../local/log-file.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('a new run keeps the log of the one before', (t) => {
  const file = join(scratchFolder(t), 'logs', 'a.log')
  beginLog(file)
  writeFileSync(file, 'first')
  beginLog(file)
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'first')
  assert.equal(existsSync(file), false)
})

test('the sentences of a refused configuration are the last words', () => {
  const output =
    '{"level":"info","msg":"hello"}\nPORT has a wrong value.\nGATE_SLA_MS has a wrong value.\n'
  assert.equal(lastWords(output), 'PORT has a wrong value.\nGATE_SLA_MS has a wrong value.')
})

test('of a stack trace only the message is for a person', () => {
  const output =
    'file:///a/b.ts:3\n    throw new Error()\n          ^\n\nError: no such file\n    at main (a.ts:1:2) {\n  code: 1\n}\n\nNode.js v26.10.0\n'
  assert.equal(lastWords(output), 'Error: no such file')
})

test('the indented lines below a heading are quoted, the first of them when there are many', () => {
  const problems = Array.from({ length: 15 }, (_, index) => `  rules.yml:${index + 1}:1 wrong_type`)
  const output = `{"level":"info","msg":"hello"}\nNot valid:\n${problems.join('\n')}\n`
  const lines = lastWords(output)?.split('\n') ?? []
  assert.deepEqual(lines.slice(0, 13), ['Not valid:', ...problems.slice(0, 12)])
  assert.equal(lines.length, 14)
  assert.match(lines[13] as string, /\b3 more/)
})

test('a warning of Node is not what the program said', () => {
  const output =
    'PORT has a wrong value.\n(node:7) ExperimentalWarning: x\n(Use `node --trace-warnings ...` to see)\n'
  assert.equal(lastWords(output), 'PORT has a wrong value.')
})

test('without plain lines the last logged error speaks', () => {
  const output =
    '{"level":"error","msg":"cannot listen","err":{"message":"address in use"}}\n{"level":"info","msg":"bye"}\n'
  assert.equal(lastWords(output), 'cannot listen: address in use')
})

test('nothing said is nothing quoted', () => {
  assert.equal(lastWords('{"level":"info","msg":"ready"}\n'), undefined)
})
