import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@ai-governance/infra/local/ports'
import { compileCache } from '@ai-governance/infra/test-support/compile-cache'

const here = import.meta.dirname

/** A bare Fastify route that answers a POST to /validate with so many bytes. */
export function spawnBareRoute(port: number, bytes: number): ChildProcess {
  const program = join(here, 'bare-route.ts')
  return spawn(process.execPath, [program, String(port), String(bytes)], {
    env: { ...process.env, ...compileCache() },
    stdio: 'ignore',
  })
}

/** OPA with the rules of opa/release.rego; resolves with the URL of the decision when it answers. */
export async function startOpa(program: string, cleanup: AsyncDisposableStack): Promise<string> {
  const port = await freePort()
  const rules = join(here, 'opa', 'release.rego')
  const options = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--log-level', 'error', rules]
  const child = spawn(program, [...options, '--skip-version-check'], { stdio: 'ignore' })
  cleanup.defer(() => end(child))
  await answers(`http://127.0.0.1:${port}/health`)
  return `http://127.0.0.1:${port}/v1/data/release/decision`
}

/** Resolves when something answers at a URL. */
export async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return
    await sleep(20)
  }
  throw new Error(`nothing answers at ${url}`)
}

/** Ends a process, and resolves when it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
