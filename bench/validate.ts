import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { freePort } from '@ai-governance/infra/local/ports'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { type Figure, median } from './figures.ts'
import { latencyOf, postScript } from './load.ts'

const FLOOR = 'a bare Fastify route, 64'
const OPA = process.env.OPA ?? join(import.meta.dirname, '..', '.data', 'tools', 'opa')

interface Subject {
  name: string
  url: string
  script: string
}

/**
 * Decisions a second with 64 connections, and the time of the slowest hundredth: mcp-policy with the shipped policies,
 * beside a bare Fastify route that parses the same body and answers as many bytes, and beside OPA with the same rules in
 * Rego (opa/release.rego) where there is an OPA: `OPA=<path of the program>` or .data/tools/opa.
 */
export async function benchValidate(
  stack: Stack,
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const script = postScript(folder, 'validate', { payload: EXAMPLE_PAYLOAD })
  const validate = `${stack.policy.url}/validate`
  const others: ChildProcess[] = []
  try {
    const bare = await startBare(await answerBytes(validate), others)
    const subjects: Subject[] = [
      { name: FLOOR, url: bare, script },
      { name: 'POST /validate at the service, 64', url: validate, script },
    ]
    if (existsSync(OPA)) {
      const opa = postScript(folder, 'opa', { input: { payload: EXAMPLE_PAYLOAD } })
      subjects.push({
        name: 'OPA with the same rules, 64',
        url: await startOpa(others),
        script: opa,
      })
    } else say('skipped: OPA is not there (set OPA to the path of the program)')
    return await measure(subjects, rounds, say)
  } finally {
    await Promise.all(others.map(end))
  }
}

async function measure(
  subjects: readonly Subject[],
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const rates = new Map<string, number[]>()
  const slowest = new Map<string, number[]>()
  for (let round = 0; round <= rounds.count; round++) {
    for (const { name, url, script } of subjects) {
      say(`validate, round ${round} of ${rounds.count}${round ? '' : ' (warm-up)'}: ${name}`)
      const { rate, p99 } = await latencyOf(url, script, 64, rounds.seconds)
      if (round === 0) continue
      rates.set(name, [...(rates.get(name) ?? []), rate])
      slowest.set(name, [...(slowest.get(name) ?? []), p99])
    }
  }
  const floor = median(rates.get(FLOOR) as number[])
  return [...rates].flatMap(([name, values]): Figure[] => [
    {
      name,
      unit: '/s',
      values,
      ...(name !== FLOOR && { ratio: { of: 'the bare route', value: median(values) / floor } }),
    },
    { name: '  99 % answered within', unit: 'µs', values: slowest.get(name) as number[] },
  ])
}

async function answerBytes(url: string): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload: EXAMPLE_PAYLOAD }),
  })
  if (answer.status !== 200) throw new Error(`POST /validate answered ${answer.status}`)
  return (await answer.arrayBuffer()).byteLength
}

async function startBare(bytes: number, others: ChildProcess[]): Promise<string> {
  const port = await freePort()
  const program = join(import.meta.dirname, 'bare-route.ts')
  others.push(spawn(process.execPath, [program, String(port), String(bytes)], { stdio: 'ignore' }))
  await answers(`http://127.0.0.1:${port}/`)
  return `http://127.0.0.1:${port}/validate`
}

async function startOpa(others: ChildProcess[]): Promise<string> {
  const port = await freePort()
  const rules = join(import.meta.dirname, 'opa', 'release.rego')
  const options = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--log-level', 'error', rules]
  others.push(spawn(OPA, [...options, '--skip-version-check'], { stdio: 'ignore' }))
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
