import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Failure } from '@ai-governance/infra/failure'

/** Where programs are put that no system package has: git leaves it out. */
export const TOOLS = join(import.meta.dirname, '..', '..', '.data', 'tools')

/** Programs of others that the bench can use, with the package of Debian that has them; null: none has. */
export const PROGRAMS = {
  wrk: 'wrk',
  pgbench: 'postgresql',
  psql: 'postgresql-client',
  nginx: 'nginx-light',
  taskset: 'util-linux',
  opa: null,
} as const

export type Program = keyof typeof PROGRAMS

/** The path of each program that is there. */
export type Programs = Readonly<Partial<Record<Program, string>>>

/**
 * Looks each program up: on the PATH, below .data/tools, and where Debian puts what only root or a server starts.
 *
 * @throws Failure where OPA names no program
 */
export function findPrograms(): Programs {
  const names = Object.keys(PROGRAMS) as Program[]
  const { OPA } = process.env
  if (OPA && !isProgram(OPA)) throw new Failure(`OPA names ${OPA}, which is no program.`)
  const own = OPA ? { opa: OPA } : {}
  const found = names.flatMap((name) => {
    const path = findProgram(name)
    return path === undefined ? [] : [[name, path]]
  })
  return { ...Object.fromEntries(found), ...own }
}

/** What a person is told who lacks a program. */
export function needOf(name: Program): string {
  const debian = PROGRAMS[name]
  return debian ? `${name} (Debian: ${debian})` : `${name} ("npm run bench -- peers" installs it)`
}

export function findProgram(name: string): string | undefined {
  const ofServers = globSync('/usr/lib/postgresql/*/bin').sort().reverse()
  const path = (process.env.PATH ?? '').split(delimiter)
  const folders = [...path, TOOLS, '/usr/sbin', '/usr/local/sbin', ...ofServers]
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
