import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { appendEvents } from '../../test-support/appenders.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import { chapter, runChapter } from '../operations-page.ts'
import type { Scenario } from '../scenario.ts'
import { type SecretName, secretOf } from '../secret-search.ts'

type Entry = { id: number; entry_hash: string }

export const operations: Scenario = {
  shows: 'backup, restore and rotation work as docs/OPERATIONS.md writes them',
  async run(stack, say) {
    const first = await append(stack, 0)
    say('back up while eight clients write, and lose what came later')
    const { before, all } = await backUpUnderLoad(stack)
    const later = await append(stack, 1)
    say('rotate every password')
    await rotate(stack)
    assert.equal((await append(stack, 2)).id, later.id + 1)
    say('remove everything, restore')
    await stack.compose(['down', '-v'])
    await refuseCutArchive(stack)
    await runChapter(stack, 'Restore')
    await stack.up()
    await runChapter(stack, 'After a restore')
    const { body } = await callGateway<{ ok: boolean; entries: number }>(
      stack.url,
      '/mcp-audit/verify',
    )
    assert.equal(body.ok, true)
    assert.ok(body.entries >= before && body.entries < later.id, `${body.entries} restored`)
    for (const { id, entry_hash } of [first, ...all.filter(({ id }) => id <= body.entries)].slice(
      -100,
    )) {
      const restored = await callGateway<Entry>(stack.url, `/mcp-audit/events/${id}`)
      assert.equal(restored.body.entry_hash, entry_hash)
    }
    assert.equal((await append(stack, 3)).id, body.entries + 1)
    return { before_backup: before, restored: body.entries, after_backup: later.id }
  },
}

/** How many entries were acknowledged before the backup began, and all that were until it had ended. */
async function backUpUnderLoad(stack: ComposeStack): Promise<{ before: number; all: Entry[] }> {
  let before = 0
  let isDone = false
  let backup: Promise<unknown> | undefined
  const { acknowledged, failures } = await appendEvents(`${stack.url}/mcp-audit/log`, 8, (n) => {
    if (n >= 500 && !backup) {
      before = n
      backup = runChapter(stack, 'Back up').finally(() => {
        isDone = true
      })
    }
    return isDone
  })
  await backup
  assert.deepEqual(failures, [])
  return { before, all: acknowledged.toSorted((a, b) => a.id - b.id) }
}

async function append(stack: ComposeStack, n: number): Promise<Entry> {
  const event = { event_type: 'smoke.test', subject: 'operations', decision: true, details: { n } }
  const { status, body } = await callGateway<Entry>(stack.url, '/mcp-audit/log', event)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

/** An archive of which the end is missing must not become a database that starts. */
async function refuseCutArchive(stack: ComposeStack): Promise<void> {
  const [, second = ''] = chapter(stack, 'Restore')
  const command = second.split('\ndocker compose up')[0] as string
  const { size: whole } = statSync(join(stack.folder, 'backup', 'base.tar'))
  // tar writes in records of 10 KiB: the last size cuts off just the one with the mark of the end.
  for (const size of [Math.floor(whole / 2), Math.floor(whole * 0.97), whole - 10_240]) {
    await stack.shell(`head -c ${size} backup/base.tar > backup/cut.tar`)
    await assert.rejects(stack.shell(command.replace('base.tar', 'cut.tar')))
  }
}

async function rotate(stack: ComposeStack): Promise<void> {
  const names: SecretName[] = [
    ...(['owner', 'lineage_service', 'audit_service', 'identity_secret'] as const),
    ...(['lineage_identity', 'policy_identity', 'audit_identity', 'identity_key'] as const),
  ]
  const all = () => Promise.all(names.map((name) => secretOf(stack, name)))
  const before = await all()
  await runChapter(stack, 'Rotate')
  const after = await all()
  assert.equal(new Set([...before, ...after]).size, 2 * names.length)
  // Starts the migrations with the owner's new password, and waits for the services.
  await stack.up()
}
