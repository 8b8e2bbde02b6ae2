import assert from 'node:assert/strict'
import { type Checkpoint, readCheckpoint } from '../../../clients/typescript/src/checkpoint.ts'
import { isSignedBy, readVerifierKey } from '../../../clients/typescript/src/signed-note.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import { runChapter } from '../operations-page.ts'
import type { Scenario } from '../scenario.ts'

export const restore: Scenario = {
  shows:
    'an older database gets no signature, nor does a key without its state, until somebody decides',
  async run(stack, say) {
    const former = await verifierKeyOf(stack)
    const backedUp = await append(stack, 10)
    assert.equal((await checkpointUnder(stack, former)).size, backedUp)
    await runChapter(stack, 'Back up')
    const signed = await append(stack, 10)
    assert.equal((await checkpointUnder(stack, former)).size, signed)

    say('the older backup comes back, and is recorded into but not signed')
    await runChapter(stack, 'Restore')
    await stack.up()
    await assert.rejects(
      runChapter(stack, 'After a restore'),
      new RegExp(`${backedUp + 1}: the entry is missing`),
    )
    assert.equal(await append(stack, 1), backedUp + 1)
    const detail = await refusal(stack, 'signer_refused')
    // The log grows past what was signed, with other entries.
    await append(stack, 20)
    const detailLater = await refusal(stack, 'signer_refused')

    say('a new origin')
    const { stdout } = await runChapter(stack, 'New origin')
    const origin = stdout.trim().split('\n').at(-1) as string
    assert.equal(await verifierKeyOf(stack), origin)
    assert.notEqual(origin.split('+')[0], former.split('+')[0])
    assert.equal((await checkpointUnder(stack, origin)).size, backedUp + 21)
    await runChapter(stack, 'After a restore')

    await loseState(stack, say, origin)
    say('volumes of a version without a signing key')
    await stack.compose(['down'])
    await stack.shell(
      'docker volume rm "$COMPOSE_PROJECT_NAME"_signer-key "$COMPOSE_PROJECT_NAME"_signer-state',
    )
    await stack.up()
    const first = await verifierKeyOf(stack)
    assert.notEqual(first, origin)
    await checkpointUnder(stack, first)
    return { backed_up: backedUp, signed, detail, detail_later: detailLater }
  },
}

async function loseState(
  stack: ComposeStack,
  say: (line: string) => void,
  origin: string,
): Promise<void> {
  say('the state is lost, and then the key')
  await runChapter(stack, 'Back up')
  await inSigner(stack, 'rm /signer/state/state.json')
  await stack.up()
  const { stdout, stderr } = await stack.compose(['logs', '--no-color', 'secrets'])
  assert.match(
    stdout + stderr,
    /Warning: \/signer\/key\/key\.pem is there and \/signer\/state\/state\.json is not/,
  )
  await append(stack, 1)
  await refusal(stack, 'signer_state_missing')
  await inSigner(stack, 'rm /signer/key/key.pem')
  await runChapter(stack, 'Put the signing key back')
  await stack.up()
  await checkpointUnder(stack, origin)
  say('what is there is not overwritten')
  await assert.rejects(runChapter(stack, 'Put the signing key back'))
  await stack.up()
}

const inSigner = (stack: ComposeStack, script: string) =>
  stack.compose(['run', '--rm', '--no-deps', '-T', '--entrypoint', 'sh', 'secrets', '-c', script])

/** Appends events; returns the last position. */
async function append(stack: ComposeStack, count: number): Promise<number> {
  let last = 0
  for (let n = 0; n < count; n++) {
    const event = { event_type: 'smoke.test', subject: 'restore', decision: true, details: { n } }
    const { status, body } = await callGateway<{ id: number }>(stack.url, '/mcp-audit/log', event)
    assert.equal(status, 200, JSON.stringify(body))
    last = body.id
  }
  return last
}

async function textOf(stack: ComposeStack, path: string): Promise<string> {
  const response = await fetch(stack.url + path)
  const text = await response.text()
  assert.equal(response.status, 200, `${path}: ${text}`)
  return text
}

const verifierKeyOf = async (stack: ComposeStack) =>
  (await textOf(stack, '/mcp-audit/checkpoint/key')).trim()

/** The stack's checkpoint, which has to be signed by a key under the key's name. */
async function checkpointUnder(stack: ComposeStack, verifierKey: string): Promise<Checkpoint> {
  const checkpoint = readCheckpoint(await textOf(stack, '/mcp-audit/checkpoint'))
  const key = readVerifierKey(verifierKey)
  assert.equal(checkpoint.origin, key.name)
  assert.ok(isSignedBy(checkpoint.note, key))
  return checkpoint
}

/** The stack must refuse a checkpoint with this code; returns the detail. */
async function refusal(stack: ComposeStack, code: string): Promise<string> {
  const path = '/mcp-audit/checkpoint'
  const { status, body } = await callGateway<{ code: string; detail: string }>(stack.url, path)
  assert.deepEqual([status, body.code], [503, code], JSON.stringify(body))
  return body.detail
}
