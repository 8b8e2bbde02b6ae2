import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { watchResident } from '@ai-governance/infra/test-support/resident-memory'
import type { Stack } from '@ai-governance/infra/test-support/stack'

const AIGOV = join(import.meta.dirname, '../../clients/typescript/src/cli/main.ts')
/** `GET /verify` takes at most so many entries a call. */
const VERIFY_STEP = 500_000

/** What going through so many entries took, and the most bytes that the process at work had in memory meanwhile. */
export interface Pass {
  entries: number
  seconds: number
  peak: number
}

/** Exports entries 1 to `size` to a file, while mcp-audit is looked at. */
export function exportTo(stack: Stack, size: number, file: string): Promise<Pass> {
  return watched(stack.audit.pid() as number, async () => {
    const url = `${stack.audit.url}/export?fmt=ndjson&to_id=${size}`
    const [response] = (await once(get(url), 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`the export is ${response.statusCode}`)
    await pipeline(response, createWriteStream(file))
    return size
  })
}

/** `aigov verify` of such a file, while it is looked at itself. */
export function verifyFile(file: string, key: string, size: number): Promise<Pass> {
  const args = [AIGOV, 'verify', file, '--key', key]
  const aigov = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return watched(aigov.pid as number, async () => {
    const [code] = await once(aigov, 'exit')
    if (code !== 0) throw new Error(`aigov verify ended with ${code}`)
    return size
  })
}

/**
 * `GET /verify` of the whole log, step by step, while mcp-audit is looked at.
 *
 * @throws Error where the log has not `size` entries
 */
export function verifyServed(stack: Stack, size: number): Promise<Pass> {
  return watched(stack.audit.pid() as number, async () => {
    let entries = 0
    for (let from: number | null = 1; from !== null; ) {
      const answer = await fetch(`${stack.audit.url}/verify?from_id=${from}&limit=${VERIFY_STEP}`)
      const step = (await answer.json()) as Step
      if (!step.ok) throw new Error(`GET /verify said ${JSON.stringify(step)}`)
      entries += step.entries
      from = step.next_from_id
    }
    if (entries !== size) throw new Error(`the log has ${entries} entries, not ${size}`)
    return entries
  })
}

interface Step {
  ok: boolean
  entries: number
  next_from_id: number | null
}

/** Times `work`, which says how many entries it went through, and looks at the memory of a process meanwhile. */
async function watched(pid: number, work: () => Promise<number>): Promise<Pass> {
  const memory = watchResident(pid)
  const startedAt = performance.now()
  try {
    const entries = await work()
    const seconds = (performance.now() - startedAt) / 1_000
    return { entries, seconds, peak: memory.end().most }
  } finally {
    memory.end()
  }
}
