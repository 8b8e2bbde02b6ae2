import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { namesIn, parseDotenv } from '../dotenv.ts'
import { Failure } from '../failure.ts'

const example = '# How much\n# LOG_LEVEL=info\n# GATEWAY_PORT=8080\nAUTH_MODE=none\n'

/** The lines that the message complains of. */
function faultyLines(text: string): number[] {
  try {
    parseDotenv(text, example)
  } catch (error) {
    assert.ok(error instanceof Failure)
    return [...error.message.matchAll(/^\.env line (\d+)/gm)].map((match) => Number(match[1]))
  }
  return []
}

test('values are read with comments, quotes and export', () => {
  const text = '# mine\n\nLOG_LEVEL=debug # loud\nexport GATEWAY_PORT="8090"\r\nAUTH_MODE=\n'
  assert.deepEqual(parseDotenv(text, example), {
    LOG_LEVEL: 'debug',
    GATEWAY_PORT: '8090',
    AUTH_MODE: '',
  })
})

test('an unknown name is refused with the nearest known one', () => {
  assert.throws(() => parseDotenv('LOG_LEVLE=info', example), /did you mean LOG_LEVEL\?/)
})

test('names that Docker and Compose read for themselves are theirs', () => {
  const text = 'COMPOSE_FILE=a.yml\nDOCKER_BUILDKIT=1\nBUILDKIT_PROGRESS=plain\n'
  assert.deepEqual(faultyLines(text), [])
  assert.deepEqual(faultyLines('COMPOSE=1\n'), [1])
})

test('an unknown name that resembles none is refused without a guess', () => {
  assert.throws(
    () => parseDotenv('COLOUR=red', example),
    (error: Error) => error instanceof Failure && !/did you mean/.test(error.message),
  )
})

test('a line without "=", an open quote and a second assignment are each named by their line', () => {
  const text = 'LOG_LEVEL\nGATEWAY_PORT="80\nAUTH_MODE=none\nAUTH_MODE=none'
  assert.deepEqual(faultyLines(text), [1, 2, 4])
})

test('the example file names every variable once', () => {
  const names = namesIn(readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8'))
  assert.deepEqual(names, [...new Set(names)])
  assert.ok(names.includes('DATABASE_URL') && names.includes('GATEWAY_PORT'))
})

test('a byte order mark is refused, because it would hide the first name', () => {
  assert.throws(() => parseDotenv('\uFEFFLOG_LEVEL=info\n', example), /byte order mark/)
})
