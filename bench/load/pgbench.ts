import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where pgbench connects, as the owner. */
export interface BenchDatabase {
  port: number
  name: string
}

/** Transactions a second of 64 clients that each run `script` (a file) over and over. Throws where pgbench did none. */
export async function pgbench(
  program: string,
  { port, name }: BenchDatabase,
  script: string,
  seconds: number,
): Promise<number> {
  const options = ['-n', '-M', 'prepared', '-c', '64', '-j', '2', '-T', String(seconds)]
  const { stdout } = await run(program, [...options, '-f', script, name], {
    env: {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'governance',
      PGPASSWORD: 'bench',
    },
  })
  const rate = /tps = ([\d.]+)/.exec(stdout)?.[1]
  if (rate === undefined) throw new Error(`pgbench tells no rate: ${stdout}`)
  return Number(rate)
}
