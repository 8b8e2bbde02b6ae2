import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTarget } from '../src/ingress/target.ts'

/** Pieces from which hostile targets are made, and harmless ones. */
const PIECES = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '%25',
  '%00',
  '%0a',
  '%7f',
  '%c0%ae',
  '%c3%b6',
  '%e2%82%ac',
  '%zz',
  '%',
  '\\',
  ';',
  '#',
  '?',
  '&',
  '=',
  '@',
  ':',
  '~',
  '!',
  "'",
  '"',
  '<',
  '|',
  '+',
  ',',
  '*',
  '(',
  ')',
  '$',
  'a',
  'B',
  '7',
  'events',
  'limit=5',
  'mcp-audit',
  'http:',
  '__proto__',
  'é',
  '\u0000',
  '\t',
  ' ',
  '%61',
  '%3B',
]

/** A small linear congruential generator: the same cases in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test('whatever is accepted has one reading: a URL parser changes nothing, decoding reveals nothing', () => {
  const random = randomFrom(20_260_101)
  let accepted = 0
  for (let i = 0; i < 200_000; i++) {
    const pieces = Array.from({ length: 1 + random(6) }, () => PIECES[random(PIECES.length)])
    const raw = `/${pieces.join('')}`
    const target = parseTarget(raw)
    if (!target) continue
    accepted++
    assert.equal(target.path + target.search, raw)
    const url = new URL(`http://service:8000${raw}`)
    assert.equal(url.origin, 'http://service:8000')
    assert.equal(url.pathname, target.path)
    const decoded = decodeURIComponent(target.path)
    assert.equal(decoded.split('/').length, target.path.split('/').length)
    assert.doesNotMatch(decoded, /\.\.|\/\.(?:\/|$)|[\\%;]|\p{Cc}/u)
    const names = target.query.map(([name]) => name)
    assert.equal(new Set(names).size, names.length)
  }
  assert.ok(accepted > 5_000, `only ${accepted} cases were accepted`)
})

test('a query is split into names and values as received', () => {
  assert.deepEqual(parseTarget('/a/b?x=1&y=a=b%26&z=')?.query, [
    ['x', '1'],
    ['y', 'a=b%26'],
    ['z', ''],
  ])
})
