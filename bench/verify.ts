import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import { type Figure, median } from './figures.ts'

const ENTRIES = 1_000_000
const AIGOV = join(import.meta.dirname, '..', 'clients', 'typescript', 'src', 'cli', 'main.ts')

/**
 * Entries a second that `aigov verify` goes through on one core, and with two threads on two. Where a process cannot be
 * held to a core, Node's own threads (collector, compiler) help the first, and the ratio comes out too small.
 */
export async function benchVerify(
  stack: Stack,
  database: { ownerUrl: string },
  folder: string,
  rounds: { count: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  say(`verify: an export of ${ENTRIES.toLocaleString('en')} entries`)
  const owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  await fillLog(owner, ENTRIES).finally(() => owner.end())
  const file = join(folder, 'export.ndjson')
  const url = `${stack.audit.url}/export?fmt=ndjson&to_id=${ENTRIES}`
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  await pipeline(response, createWriteStream(file))
  const values: Record<1 | 2, number[]> = { 1: [], 2: [] }
  for (let round = 1; round <= rounds.count; round++) {
    for (const jobs of [1, 2] as const) {
      say(`verify: round ${round} of ${rounds.count}, ${jobs} core${jobs > 1 ? 's' : ''}`)
      const start = performance.now()
      await verify(file, stack.verifierKey, jobs)
      values[jobs].push((1_000 * ENTRIES) / (performance.now() - start))
    }
  }
  const ratio = { of: 'one core', value: median(values[2]) / median(values[1]) }
  return [
    { name: 'aigov verify on one core', unit: 'entries/s', values: values[1] },
    { name: 'aigov verify on two cores', unit: 'entries/s', values: values[2], ratio },
  ]
}

async function verify(file: string, key: string, jobs: number): Promise<void> {
  const options = ['verify', file, '--key', key, '--jobs', String(jobs)]
  // Linux can hold a process to one core; elsewhere it takes what it gets.
  const held = jobs === 1 && process.platform === 'linux' ? ['taskset', '-c', '0'] : []
  const [command = '', ...args] = [...held, process.execPath, AIGOV, ...options]
  const aigov = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(aigov, 'exit')
  if (code !== 0) throw new Error(`aigov verify ended with ${code}`)
}
