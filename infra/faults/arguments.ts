import { parseArgs } from 'node:util'
import { BROKEN_BUILDS, type BrokenBuild } from './broken/builds.ts'
import { anySeed } from './random.ts'
import type { Counts, Row } from './row.ts'
import { ROWS } from './rows.ts'
import type { Chosen } from './run-rows.ts'

/** Wrong usage; the message says what would be right. */
export class Usage extends Error {}

/** What a command line asks for. */
export interface Asked {
  /** What there is, as lines to print, and nothing else is to be done; or null. */
  list: string[] | null
  seed: number
  isQuick: boolean
  chosen: Chosen[]
  /** The names of the rows that the quick form leaves out. */
  leftOut: string[]
  only: string | undefined
  build: BrokenBuild | undefined
  json: string | undefined
}

const OPTIONS = {
  quick: { type: 'boolean' },
  compose: { type: 'boolean' },
  list: { type: 'boolean' },
  seed: { type: 'string' },
  set: { type: 'string', multiple: true },
  only: { type: 'string' },
  build: { type: 'string' },
  json: { type: 'string' },
} as const

/** @throws Usage */
export function readArguments(args: string[]): Asked {
  const { values, positionals } = parse(args)
  const build = BROKEN_BUILDS.find(({ name }) => name === values.build)
  if (values.build !== undefined && !build) {
    throw new Usage(`--build is one of ${BROKEN_BUILDS.map(({ name }) => name).join(', ')}.`)
  }
  const seed = values.seed === undefined ? anySeed() : wholeNumber('--seed', values.seed)
  const rows = rowsOf(positionals, values.compose ?? false)
  const isQuick = values.quick ?? false
  const isLeftOut = ({ quick }: Row) => isQuick && quick === null
  const set = countsIn(values.set ?? [], rows)
  const chosen = rows
    .filter((row) => !isLeftOut(row))
    .map((row) => ({ row, counts: countsOf(row, isQuick, set) }))
  const { only, json } = values
  const list = values.list ? listOf(ROWS) : null
  return {
    list,
    seed,
    isQuick,
    chosen,
    leftOut: rows.filter(isLeftOut).map(({ name }) => name),
    only,
    build,
    json,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

/** The named rows in the order of the table, or all of one stack. */
function rowsOf(names: readonly string[], isCompose: boolean): Row[] {
  const all = ROWS.filter((row) => (row.stack === 'compose') === isCompose)
  if (names.length === 0) return all
  const unknown = names.filter((name) => !ROWS.some((row) => row.name === name))
  if (unknown.length === 0) return ROWS.filter(({ name }) => names.includes(name))
  throw new Usage(
    `There is no row ${unknown.join(', ')}: choose from ${ROWS.map(({ name }) => name).join(', ')}.`,
  )
}

function countsIn(settings: readonly string[], rows: readonly Row[]): Counts {
  const known = new Set(rows.flatMap(({ full }) => Object.keys(full)))
  return Object.fromEntries(
    settings.map((text) => {
      const [name = '', number = ''] = text.split('=', 2)
      if (!known.has(name))
        throw new Usage(`--set takes ${[...known].join(', ')}, as --list tells.`)
      if (name === 'retries' && /^0\.\d+$/.test(number)) return [name, Number(number)]
      return [name, wholeNumber(`--set ${name}`, number)]
    }),
  )
}

function wholeNumber(what: string, text: string): number {
  if (/^(0|[1-9][0-9]{0,8})$/.test(text)) return Number(text)
  throw new Usage(`${what} must be a whole number of at most nine digits.`)
}

function countsOf({ full, quick }: Row, isQuick: boolean, set: Counts): Counts {
  const usual = isQuick && quick !== null ? quick : full
  const own = Object.entries(set).filter(([name]) => Object.hasOwn(full, name))
  return { ...usual, ...Object.fromEntries(own) }
}

function listOf(rows: readonly Row[]): string[] {
  const told = (counts: Counts | null) =>
    counts === null ? 'left out' : JSON.stringify(counts).replaceAll('"', '')
  return rows.flatMap(({ name, stack, does, shows, full, quick }) => [
    `${name} (${stack})`,
    `  does   ${does}`,
    `  shows  ${shows}`,
    `  full   ${told(full)}`,
    `  quick  ${told(quick)}`,
  ])
}
