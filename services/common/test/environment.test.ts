import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  databaseVariables,
  EnvironmentError,
  flag,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'

const shape = { ...serverVariables, ...databaseVariables }
const DATABASE_URL = 'postgres://audit_service@db:5432/governance'

test('defaults apply where nothing is set, and an empty value counts as not set', () => {
  const config = readEnvironment(shape, { DATABASE_URL, PORT: '', LOG_LEVEL: '' })
  assert.equal(config.HOST, '127.0.0.1')
  assert.equal(config.PORT, 8000)
  assert.equal(config.LOG_LEVEL, 'info')
  assert.equal(config.METRICS_PORT, undefined)
  assert.deepEqual(config.GATEWAY_ALLOWED_HOSTS, [])
})

test('every wrong variable is named with what it must be, and no value is repeated', () => {
  assert.throws(
    () =>
      readEnvironment(shape, {
        PORT: '80a',
        METRICS_PORT: '70000',
        LOG_LEVEL: 'loud',
        GATEWAY_ALLOWED_HOSTS: 'a b',
        DATABASE_URL: 'mysql://root:hunter2@db',
      }),
    (error: Error) => {
      assert.ok(error instanceof EnvironmentError)
      const lines = error.message.split('\n')
      assert.equal(lines.length, 5)
      for (const line of lines) assert.match(line, /^[A-Z_]+ has a wrong value: it must be .+\.$/)
      assert.doesNotMatch(error.message, /hunter2|80a|loud/)
      return true
    },
  )
})

test('a missing variable is told from a wrong one', () => {
  assert.throws(
    () => readEnvironment(shape, {}),
    /^EnvironmentError: DATABASE_URL is not set: it must be/,
  )
})

test('a flag is true or false and nothing that looks like it', () => {
  const read = (text: string) =>
    readEnvironment({ F: flag.describe('true or false') }, { F: text }).F
  assert.equal(read('true'), true)
  assert.equal(read('false'), false)
  for (const text of ['1', 'yes', 'TRUE', ' true']) assert.throws(() => read(text))
})

test('a port is a decimal number up to 65535', () => {
  const read = (PORT: string) => readEnvironment(shape, { DATABASE_URL, PORT }).PORT
  assert.equal(read('65535'), 65_535)
  for (const text of ['0', '65536', '080', '1e3', '-1', '8000.0'])
    assert.throws(() => read(text), text)
})
