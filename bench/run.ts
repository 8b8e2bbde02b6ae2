// Measures the control plane, each figure against a floor in the same run, because machines differ and are noisy:
//
//   npm run bench                        append, batch, export, verify, validate, policy: about six minutes
//   npm run bench -- append verify       some of them; growth (ten million entries, 10 GB, ten minutes), overload and
//                                        proxy (beside nginx and @fastify/http-proxy, ten minutes) are run only by name
//   npm run bench -- --quick             shorter rounds
//   npm run bench -- --json FILE         the figures as JSON too (- for standard output)
//
// Needs `wrk`, `pgbench` and `psql` on the PATH (Debian: wrk, postgresql-contrib, postgresql-client); what needs one
// that is missing is skipped by name; `taskset` and `nginx` are for proxy alone. Progress goes to standard error, the table to standard output.
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
import { benchBatch } from './batch.ts'
import { benchExport } from './export.ts'
import { type Figure, printTable } from './figures.ts'
import { benchGrowth } from './growth.ts'
import { benchOverload } from './overload.ts'
import { benchPolicy } from './policy.ts'
import { benchProxy } from './proxy.ts'
import { benchValidate } from './validate.ts'
import { benchVerify } from './verify.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const wanted =
  positionals.length > 0
    ? positionals
    : ['append', 'batch', 'export', 'verify', 'validate', 'policy']
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
    const benches: Record<string, () => Promise<Figure[]>> = {
      append: () => benchAppend(stack, database, folder, rounds, say),
      batch: () => benchBatch(stack, database, rounds, say),
      growth: () => benchGrowth(stack, database, folder, rounds, say),
      export: () => benchExport(stack, database, say),
      verify: () => benchVerify(stack, database, folder, rounds, say),
      validate: () => benchValidate(stack, folder, rounds, say),
      policy: async () => benchPolicy(rounds, say),
      proxy: () => benchProxy(database, folder, rounds, say),
      overload: () => benchOverload(stack, rounds, say),
    }
    for (const name of wanted) {
      const bench = benches[name]
      if (!bench) throw new Error(`there is no bench "${name}": ${Object.keys(benches).join(', ')}`)
      figures.push(...(await bench()))
    }
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
