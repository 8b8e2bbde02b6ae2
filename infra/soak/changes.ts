import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../faults/wait.ts'
import type { SoakStack } from './stack.ts'

/** A change counts within so many ms: both files are looked at twice a second or more often. */
const WITHIN = 10_000

export interface Changes {
  /** How often each change was made and seen to count. */
  made: Record<string, number>
  /** What did not count in time, in words. */
  failed: string[]
}

/** Makes the next of the changes that whoever runs a stack makes while it runs, and waits until it counts. */
export async function changeSomething(soak: SoakStack, { made, failed }: Changes): Promise<void> {
  const count = Object.values(made).reduce((sum, times) => sum + times, failed.length)
  const [what, change] = CHANGES[count % CHANGES.length] as (typeof CHANGES)[number]
  try {
    await change(soak, count)
    made[what] = (made[what] ?? 0) + 1
  } catch (error) {
    failed.push(`${what}: ${(error as Error).message}`)
  }
}

type Change = (soak: SoakStack, count: number) => Promise<void>

const CHANGES: readonly [what: string, change: Change][] = [
  ['another policy', changePolicy],
  ['a key more and taken away', changeKeys],
  ['a broken policy and back', breakPolicy],
  ['a broken file of keys and back', breakKeys],
]

async function changePolicy(soak: SoakStack, count: number): Promise<void> {
  const before = (await policies(soak)).digest
  const file = join(soak.policiesDir, 'model-policy.yml')
  // The digest is that of what the files mean: a comment would not change it.
  const text = readFileSync(file, 'utf8').replace(
    /^version: .*$/m,
    `version: 2026.11.${100 + count}`,
  )
  writeFileSync(file, text)
  await counts('the changed policy', async () => (await policies(soak)).digest !== before)
}

async function breakPolicy(soak: SoakStack): Promise<void> {
  const file = join(soak.policiesDir, 'model-policy.yml')
  const text = readFileSync(file, 'utf8')
  const { digest } = await policies(soak)
  writeFileSync(file, `${text}rules: twice\n`)
  await counts('the broken policy', async () => (await policies(soak)).stale !== null)
  const beside = await policies(soak)
  writeFileSync(file, text)
  if (beside.digest !== digest) throw new Error('a broken policy put another set in force')
  await counts('the mended policy', async () => (await policies(soak)).stale === null)
}

async function changeKeys(soak: SoakStack): Promise<void> {
  const token = soak.keys.add('guest', ['policy:evaluate'])
  soak.keys.write()
  await counts('the new key', async () => (await ask(soak, '/mcp', token)).status === 200)
  soak.keys.removeLast()
  soak.keys.write()
  await counts('the end of a key', async () => (await ask(soak, '/mcp', token)).status === 401)
}

async function breakKeys(soak: SoakStack): Promise<void> {
  const lines = () => soak.stack.gateway.log().split('API_KEYS_PATH is not usable').length
  const before = lines()
  soak.keys.write('{"v":1,"keys":[{')
  await counts('the broken file of keys', async () => lines() > before)
  const { status } = await ask(soak, '/mcp', soak.tokens.honest[0] as string)
  soak.keys.write()
  if (status !== 200) throw new Error(`beside a broken file of keys a good one got ${status}`)
}

function counts(what: string, holds: () => Promise<boolean>): Promise<void> {
  return until(what, holds, WITHIN)
}

async function policies(soak: SoakStack): Promise<{ digest: string; stale: unknown }> {
  const answer = await ask(soak, '/mcp-policy/policies', soak.tokens.honest[0] as string)
  return (await answer.json()) as { digest: string; stale: unknown }
}

function ask({ stack }: SoakStack, path: string, token: string): Promise<Response> {
  return fetch(stack.gateway.url + path, { headers: { authorization: `Bearer ${token}` } })
}
