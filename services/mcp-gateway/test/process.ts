import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '@ai-governance/infra/local/ports'

/** What a container runs. */
export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Starts `main.ts` with nothing in its environment but `env`, and what other processes of the run have compiled. */
export function spawnGateway(t: TestContext, env: Record<string, string>) {
  const { NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [MAIN], {
    env: { NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  return { child, output }
}

/** The gateway as a process of its own, once it answers. */
export async function startProcess(
  t: TestContext,
  services: Record<string, string>,
  env: Record<string, string> = {},
) {
  const port = await freePort()
  const { child, output } = spawnGateway(t, {
    PORT: String(port),
    MCP_DIRECTORY: JSON.stringify(services),
    ...env,
  })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(output.stderr)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    port,
    child,
    output,
    /** Resident memory in bytes (Linux; elsewhere 0). */
    resident: () => residentBytes(child.pid as number),
    stopped: async () => {
      const [code] = (await once(child, 'close')) as [number | null]
      return code
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', path: '/healthz', agent: false }, (response) => {
      response.resume()
      resolve(true)
    }).on('error', () => resolve(false))
  })
}

function residentBytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  const kB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(kB?.[1]) * 1024
}
