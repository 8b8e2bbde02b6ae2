import { parseArgs } from 'node:util'
import { SUBJECTS } from './subjects/registry.ts'

export const USAGE = `npm run bench -- [options] [subject …]      without names: all but those that run by name only
npm run bench -- peers                      installs what there is to compare with

  --list            the subjects: what each shows, how long it takes, what it uses
  --quick           shorter rounds, and fewer
  --rounds N        so many rounds (5; quick 3), after one that warms up
  --seconds N       so many seconds of each load in each round (4; quick 2)
  --records N       records of the lineage (100000; quick 20000)
  --json FILE       the result as JSON too (- for standard output, instead of the table)
  --against FILE    the JSON of an earlier run: exit code 4 where a ratio is outside of what its spread explains,
                    or nothing could be compared: it takes five rounds, and so not --quick`

export interface Arguments {
  /** Subjects, in the order of the registry where none was named. */
  names: string[]
  task: 'measure' | 'list' | 'peers'
  isQuick: boolean
  rounds: { count: number; seconds: number }
  records: number
  json: string | undefined
  against: string | undefined
  /** Whether it is what `npm run bench` measures that nothing else is asked of. */
  isFull: boolean
}

/** @throws Error that says what is wrong with the arguments */
export function readArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      records: { type: 'string' },
      json: { type: 'string' },
      against: { type: 'string' },
    },
  })
  const { quick: isQuick } = values
  const peers = positionals.includes('peers')
  if (peers && positionals.length > 1) throw new Error('peers stands alone')
  const unknown = peers ? undefined : positionals.find((name) => !Object.hasOwn(SUBJECTS, name))
  if (unknown !== undefined) {
    throw new Error(`there is no subject "${unknown}": ${Object.keys(SUBJECTS).join(', ')}`)
  }
  const byDefault = Object.keys(SUBJECTS).filter((name) => SUBJECTS[name]?.byDefault)
  const changed = [values.rounds, values.seconds, values.records].some((one) => one !== undefined)
  return {
    names: positionals.length > 0 ? [...new Set(positionals)] : byDefault,
    task: peers ? 'peers' : values.list ? 'list' : 'measure',
    isQuick,
    rounds: {
      count: whole('rounds', values.rounds, isQuick ? 3 : 5),
      seconds: whole('seconds', values.seconds, isQuick ? 2 : 4),
    },
    records: whole('records', values.records, isQuick ? 20_000 : 100_000),
    json: values.json,
    against: values.against,
    isFull: positionals.length === 0 && !isQuick && !changed,
  }
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new Error(`--${name} takes a whole number above 0`)
  return Number(text)
}
