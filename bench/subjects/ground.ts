import { ensureDatabase } from '@ai-governance/infra/local/owner-database'
import { migrate } from '@ai-governance/infra/migrate'
import { type Stack, startStack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import type { Load } from '../load/load.ts'
import type { BenchDatabase } from '../load/pgbench.ts'
import type { Rounds } from '../load/rounds.ts'
import { needOf, type Program, type Programs } from '../peers/programs.ts'
import type { Skipped } from '../report/figures.ts'

/** What a subject stands on: a database and services that no other subject has used, and the tools to measure them. */
export interface Ground extends Tools {
  stack: Stack
  database: GroundDatabase
  skipped: Skipped[]
  /**
   * The path of a program without which a part of the subject cannot be measured; undefined where it is absent, and then
   * the result says that `name` was skipped, and for want of what.
   */
  program(program: Program, name: string): string | undefined
}

export interface GroundDatabase extends BenchDatabase {
  ownerUrl: string
}

/** What all subjects of a run share. */
export interface Tools {
  /** Of PostgreSQL. */
  port: number
  /** For files, thrown away at the end. */
  folder: string
  rounds: Rounds
  /** How many records the lineage is to have. */
  records: number
  /** Whether rounds are the short ones of `--quick`. */
  isQuick: boolean
  programs: Programs
  load: Load
  say(line: string): void
}

/** Makes a ground, and throws it away when the subject is done with it. */
export async function onGround<T>(
  subject: string,
  tools: Tools,
  measure: (ground: Ground) => Promise<T>,
): Promise<T> {
  const { port, programs } = tools
  const name = `bench_${subject}`
  const { ownerUrl, ...urls } = await makeDatabase(port, name)
  const skipped: Skipped[] = []
  try {
    const stack = await startStack(urls)
    try {
      const ground: Ground = {
        ...tools,
        stack,
        database: { port, name, ownerUrl },
        skipped,
        program: (program, what) => {
          if (!programs[program]) skipped.push({ name: what, needs: needOf(program) })
          return programs[program]
        },
      }
      return await measure(ground)
    } finally {
      await stack.stop()
    }
  } finally {
    await dropDatabase(port, name)
  }
}

/** Whether /proc says what processes take; where it does not, the result says that `name` was skipped. */
export function readsProc(
  { skipped }: Pick<Ground, 'skipped'>,
  name: string,
  platform: NodeJS.Platform = process.platform,
): boolean {
  if (platform !== 'linux') skipped.push({ name, needs: '/proc, and so Linux' })
  return platform === 'linux'
}

/** The services of a stack by name. */
export function servicesOf({ gateway, lineage, policy, audit }: Stack) {
  return {
    'mcp-gateway': gateway,
    'mcp-lineage': lineage,
    'mcp-policy': policy,
    'mcp-audit': audit,
  }
}

/** A database of the server with tables and roles as everywhere. */
export async function makeDatabase(
  port: number,
  name: string,
): Promise<{ ownerUrl: string; auditUrl: string; lineageUrl: string }> {
  const at = `127.0.0.1:${port}`
  await ensureDatabase(adminUrl(port), name)
  await migrate({
    databaseUrl: `postgres://governance@${at}/${name}`,
    ownerPassword: 'bench',
    servicePasswords: { lineage_service: 'bench', audit_service: 'bench' },
  })
  const urlOf = (role: string) => `postgres://${role}:bench@${at}/${name}`
  return {
    ownerUrl: urlOf('governance'),
    auditUrl: urlOf('audit_service'),
    lineageUrl: urlOf('lineage_service'),
  }
}

export async function dropDatabase(port: number, name: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl(port) })
  await client.connect()
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => client.end())
}

/** Lends a connection of the database's owner. */
export async function asOwner<T>(
  { ownerUrl }: GroundDatabase,
  work: (owner: Client) => Promise<T>,
): Promise<T> {
  const owner = new Client({ connectionString: ownerUrl })
  // Without a listener an error while nothing is asked would end the process.
  owner.on('error', () => {})
  await owner.connect()
  return work(owner).finally(() => owner.end())
}

function adminUrl(port: number): string {
  return `postgres://governance:bench@127.0.0.1:${port}/postgres`
}
