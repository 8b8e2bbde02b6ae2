// Measures appends and exports, each against a floor in the same run, because machines differ and are noisy:
//
//   npm run bench                 everything, about two minutes
//   npm run bench -- --quick      shorter rounds
//   npm run bench -- --json FILE  the figures as JSON too (- for standard output)
//
// Needs `wrk` and `pgbench` on the PATH (Debian: wrk, postgresql-contrib); what needs one that is missing
// is skipped by name. Progress goes to standard error, the table to standard output.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureDatabase } from '@ai-governance/infra/local/owner-database'
import { freePort } from '@ai-governance/infra/local/ports'
import { startPostgres } from '@ai-governance/infra/local/postgres'
import { migrate } from '@ai-governance/infra/migrate'
import { startStack } from '@ai-governance/infra/test-support/stack'
import { benchAppend } from './append.ts'
import { benchExport } from './export.ts'
import { type Figure, printTable } from './figures.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const say = (line: string) => process.stderr.write(`${line}\n`)
const folder = mkdtempSync(join(tmpdir(), 'governance-bench-'))
const port = await freePort()
const owner = { user: 'governance', password: 'bench' }
const postgres = await startPostgres({
  dataDir: join(folder, 'postgres'),
  logFile: join(folder, 'postgres.log'),
  port,
  owner,
  say,
})
const figures: Figure[] = []
try {
  const at = `127.0.0.1:${port}`
  await ensureDatabase(`postgres://governance:bench@${at}/postgres`, 'governance')
  await migrate({
    databaseUrl: `postgres://governance@${at}/governance`,
    ownerPassword: 'bench',
    servicePasswords: { lineage_service: 'bench', audit_service: 'bench' },
  })
  const database = {
    port,
    ownerUrl: `postgres://governance:bench@${at}/governance`,
    auditUrl: `postgres://audit_service:bench@${at}/governance`,
    lineageUrl: `postgres://lineage_service:bench@${at}/governance`,
  }
  const stack = await startStack(database)
  try {
    const rounds = options.quick ? { count: 3, seconds: 3 } : { count: 5, seconds: 6 }
    figures.push(...(await benchAppend(stack, database, folder, rounds, say)))
    figures.push(...(await benchExport(stack, database, say)))
  } finally {
    await stack.stop()
  }
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
if (options.json === '-') console.log(JSON.stringify({ machine, figures }, null, 1))
else printTable(machine, figures)
if (options.json && options.json !== '-') {
  writeFileSync(options.json, `${JSON.stringify({ machine, figures }, null, 1)}\n`)
}
