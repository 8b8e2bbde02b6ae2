import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from '../arguments.ts'
import { listSubjects, SUBJECTS } from '../subjects/registry.ts'

test('without names all is measured but what runs by name only', () => {
  const { names, rounds, isFull, task } = readArguments([])
  assert.equal(task, 'measure')
  assert.ok(isFull)
  assert.deepEqual(rounds, { count: 5, seconds: 4 })
  assert.deepEqual(
    Object.keys(SUBJECTS).filter((name) => !names.includes(name)),
    ['overload', 'growth'],
  )
  for (const name of Object.keys(SUBJECTS)) assert.ok(listSubjects().includes(`${name} `), name)
})

test('only what was measured at full length counts as full', () => {
  for (const args of [
    ['--quick'],
    ['append'],
    ['--rounds', '2'],
    ['--seconds', '1'],
    ['--records', '1'],
  ]) {
    assert.ok(!readArguments(args).isFull, args.join(' '))
  }
  assert.ok(readArguments(['--json', 'x', '--against', 'y']).isFull)
  assert.deepEqual(readArguments(['--quick', '--seconds', '1']).rounds, { count: 3, seconds: 1 })
})

test('names that there are none of, and numbers that are none, are refused', () => {
  const refused: [args: string[], error: RegExp][] = [
    [['apend'], /there is no subject "apend": append, /],
    [['toString'], /there is no subject/],
    [['peers', 'append'], /peers stands alone/],
    [['--rounds', '0'], /--rounds takes a whole number/],
    [['--seconds', '1.5'], /--seconds takes a whole number/],
    [['--records', '1e6'], /--records takes a whole number/],
    [['--slow'], /Unknown option/],
  ]
  for (const [args, error] of refused) assert.throws(() => readArguments(args), error)
  assert.equal(readArguments(['peers']).task, 'peers')
  assert.equal(readArguments(['--list']).task, 'list')
})
