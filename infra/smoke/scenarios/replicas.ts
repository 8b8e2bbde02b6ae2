import assert from 'node:assert/strict'
import { readCheckpoint } from '../../../clients/typescript/src/checkpoint.ts'
import { isSignedBy, readVerifierKey } from '../../../clients/typescript/src/signed-note.ts'
import { appendEvents } from '../../test-support/appenders.ts'
import { callGateway } from '../gateway.ts'
import type { Scenario } from '../scenario.ts'

const CLIENTS = 64
const EVENTS = 10_000

export const replicas: Scenario = {
  shows: 'three mcp-audit share the work of 64 clients, one may die, and the chain has no gap',
  replicas: { 'mcp-audit': 3 },
  async run(stack, say) {
    const url = `${stack.url}/mcp-audit/log`
    const ids = await stack.idsOf('mcp-audit')
    assert.equal(ids.length, 3)
    say(`${EVENTS} events from ${CLIENTS} clients`)
    let isDone = false
    const [{ acknowledged, failures }, checkpoints] = await Promise.all([
      appendEvents(url, CLIENTS, (n) => n >= EVENTS).finally(() => {
        isDone = true
      }),
      checkpointsUntil(stack.url, () => isDone),
    ])
    assert.deepEqual(failures, [])
    const shares = await Promise.all(ids.map(appendsOf))
    assert.ok(Math.min(...shares) > EVENTS / 10, `each replica has its share: ${shares}`)

    say('one of them is killed meanwhile')
    let killed: Promise<unknown> | undefined
    let isDead = false
    const later = await appendEvents(url, CLIENTS, (n) => {
      if (n > EVENTS / 10) {
        killed ??= stack.docker(['kill', ids[0] as string]).finally(() => {
          isDead = true
        })
      }
      return n >= EVENTS && isDead
    })
    await killed
    const all = [...acknowledged, ...later.acknowledged]
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length, 'no position is given twice')
    const { body } = await callGateway<{ ok: boolean; entries: number }>(
      stack.url,
      '/mcp-audit/verify',
    )
    assert.equal(body.ok, true)
    // Other entries are there too: mcp-policy has recorded its policies.
    const own = await stack.psql("SELECT count(*) FROM audit_log WHERE event_type = 'load.test'")
    // What was sent and not acknowledged may be there or not: one request of each client at most a kill.
    const unknown = Number(own) - all.length
    assert.ok(unknown >= 0 && unknown <= later.failures.length, `${unknown} not acknowledged`)
    return {
      shares,
      entries: body.entries,
      failures_after_kill: later.failures.length,
      checkpoints,
    }

    async function appendsOf(id: string): Promise<number> {
      const { stdout } = await stack.docker(['logs', id])
      return stdout.split('\n').filter((line) => line.includes('"path":"/log"')).length
    }
  },
}

/**
 * Asks for one checkpoint after another: whichever replica answers, it is signed by the one key, and no smaller
 * than the one before. Returns how many there were.
 */
async function checkpointsUntil(url: string, isDone: () => boolean): Promise<number> {
  const key = readVerifierKey((await textOf(`${url}/mcp-audit/checkpoint/key`)).trim())
  let size = 0
  let count = 0
  for (; !isDone(); count++) {
    const checkpoint = readCheckpoint(await textOf(`${url}/mcp-audit/checkpoint`))
    assert.ok(isSignedBy(checkpoint.note, key))
    assert.ok(checkpoint.size >= size, `${checkpoint.size} after ${size}`)
    size = checkpoint.size
  }
  return count
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url)
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return text
}
