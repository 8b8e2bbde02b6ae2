import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { GOALS } from '../goals.ts'
import { usableCores } from '../load/cores.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { asOwner, type Ground } from './ground.ts'

const ENTRIES = 1_000_000
const root = join(import.meta.dirname, '..', '..')
const AIGOV = join(root, 'clients', 'typescript', 'src', 'cli', 'main.ts')
const PARSE_AND_HASH = join(root, 'bench', 'peers', 'parse-and-hash.ts')
const FLOOR = 'parsing and hashing each line, on one core'
const ONE = 'aigov verify on one core'
const TWO = 'aigov verify on two cores'

/**
 * Entries a second that `aigov verify` goes through on one core, and with two threads on two, start of the process included;
 * beside a loop that only parses and hashes. Where a process cannot be held to cores (no taskset), Node's own threads
 * (collector, compiler) help the first two, and the ratio of the third comes out too small. With one core there is no third.
 */
export async function benchVerify(ground: Ground): Promise<Figure[]> {
  const { stack, database, folder, rounds, skipped, say } = ground
  say(`verify: an export of ${ENTRIES.toLocaleString('en')} entries`)
  await asOwner(database, (owner) => fillLog(owner, ENTRIES))
  const file = join(folder, 'export.ndjson')
  const url = `${stack.audit.url}/export?fmt=ndjson&to_id=${ENTRIES}`
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  await pipeline(response, createWriteStream(file))
  const taskset = ground.program('taskset', 'holding a verifier to its cores')
  const cores = usableCores()
  const held = (count: number) =>
    taskset
      ? [taskset, '-c', cores.slice(0, count).join(','), process.execPath]
      : [process.execPath]
  const hasTwo = !taskset || cores.length > 1
  if (!hasTwo) skipped.push({ name: TWO, needs: 'two cores' })
  const verify = (jobs: number) => [
    AIGOV,
    'verify',
    file,
    '--key',
    stack.verifierKey,
    '--jobs',
    `${jobs}`,
  ]
  const contenders = {
    [FLOOR]: () => rateOf([...held(1), PARSE_AND_HASH, file]),
    [ONE]: () => rateOf([...held(1), ...verify(1)]),
    ...(hasTwo && { [TWO]: () => rateOf([...held(2), ...verify(2)]) }),
  }
  const measured = await interleave('verify', contenders, rounds.count, say)
  const [floor, one, two] = [measured[FLOOR]!, measured[ONE]!, measured[TWO]]
  const rate = { what: 'rate', unit: 'entries/s' }
  return [
    { name: FLOOR, ...rate, values: floor },
    {
      ...{ name: ONE, ...rate, values: one, goal: GOALS.verifyRate },
      ratios: ratioTo('parsing and hashing', one, floor),
    },
    ...(two
      ? [
          {
            name: TWO,
            ...rate,
            values: two,
            ratios: ratioTo('one core', two, one, GOALS.verifyCores),
          },
        ]
      : []),
  ]
}

async function rateOf([command = '', ...args]: readonly string[]): Promise<number> {
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return (1_000 * ENTRIES) / (performance.now() - start)
}
