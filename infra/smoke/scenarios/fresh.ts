import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { runCommand } from '../command.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import { hardeningFaults, ruleCount } from '../hardening.ts'
import { imageSizes, memoryOf } from '../images.ts'
import type { Scenario } from '../scenario.ts'
import { findSecrets } from '../secret-search.ts'

/** How much an image may weigh above the one that it is made from. */
const MAX_ABOVE_BASE_MIB = 200

export const fresh: Scenario = {
  shows:
    'without a .env the stack is safe, complete and small, and takes an edited policy whose tests pass',
  async run(stack, say) {
    const memory = await memoryOf(stack)
    await runCommand([process.execPath, join(stack.folder, 'examples', 'walkthrough.ts')], {
      env: { ...process.env, AIGOV_URL: stack.url },
      onOutput: (text) => process.stderr.write(text),
    })
    say('every container against the hardening list')
    const containers = await stack.containers()
    const { folder } = stack
    assert.deepEqual(hardeningFaults(containers, { networks: await stack.networks(), folder }), [])
    say('passwords where they must not be')
    assert.deepEqual(await findSecrets(stack), [])
    say('what is in the images')
    const images = await imageSizes(stack)
    for (const [name, { above_base_mib }] of Object.entries(images)) {
      assert.ok(above_base_mib < MAX_ABOVE_BASE_MIB, `${name} is ${above_base_mib} MiB above base`)
    }
    await onlyWhatRuns(stack)
    say('a call past the gateway, from its own network')
    await signedCallsAlone(stack)
    say('an edited policy, without a build or a restart')
    await editPolicy(stack)
    return { rules: ruleCount, containers: containers.length, images, memory }
  },
}

/** What a container mounts from the checkout. */
const MOUNTED: Readonly<Record<string, RegExp>> = {
  'mcp-policy': /^\/app\/(policies|infra\/keys)\//,
  'mcp-gateway': /^\/app\/infra\/api-keys\//,
}

/** The files of this repository in each image: sources and the manifests that Node reads, nothing beside them. */
async function onlyWhatRuns(stack: ComposeStack): Promise<void> {
  for (const service of ['mcp-lineage', 'mcp-policy', 'mcp-audit', 'mcp-gateway']) {
    const find = ['find', '/app', '-path', '*/node_modules', '-prune', '-o', '-type', 'f', '-print']
    const { stdout } = await stack.compose(['exec', '-T', service, ...find])
    const files = stdout.trim().split('\n')
    const runs =
      /^\/app\/services\/[a-z-]+\/(package\.json|src\/([a-z0-9-]+\/)*[a-z0-9-]+\.(ts|js|json|html|css|svg))$/
    assert.ok(files.length > 20)
    assert.deepEqual(
      files.filter((file) => !runs.test(file) && !MOUNTED[service]?.test(file)),
      [],
    )
  }
}

/** Whoever is on the network of the services gets nothing from them without a signature. */
async function signedCallsAlone(stack: ComposeStack): Promise<void> {
  const targets = ['mcp-audit:8000/events', 'mcp-lineage:8000/models', 'mcp-policy:8000/policies']
  const ask = `for (const at of ${JSON.stringify(targets)}) {
    const answer = await fetch('http://' + at)
    console.log(answer.status, (await answer.json()).code)
  }`
  const run = ['exec', '-T', 'mcp-gateway', 'node', '--input-type=module', '-e', ask]
  const { stdout } = await stack.compose(run)
  assert.deepEqual(
    stdout.trim().split('\n'),
    targets.map(() => '401 unauthorized'),
  )
}

async function editPolicy(stack: ComposeStack): Promise<void> {
  const ask = async () => {
    const { status, body } = await callGateway<{ allowed: boolean; policy: { digest: string } }>(
      stack.url,
      '/mcp-policy/validate',
      { payload: EXAMPLE_PAYLOAD },
    )
    assert.equal(status, 200)
    return body
  }
  const before = await ask()
  assert.equal(before.allowed, true)
  await until(stack, ({ recorded }) => recorded)
  const edit = (name: string, from: string, to: string) => {
    const path = join(stack.folder, 'policies', name)
    const text = readFileSync(path, 'utf8')
    assert.ok(text.includes(from), `${name} holds ${from}`)
    writeFileSync(path, text.replace(from, to))
  }
  edit('model-policy.yml', 'value: [vision, ', 'value: [')
  const { stale } = await until(stack, (policies) => policies.stale !== null)
  assert.match(stale?.errors[0] ?? '', /^model-policy\.tests\.yml:\d+:\d+ test_failed /)
  assert.equal((await ask()).policy.digest, before.policy.digest)
  for (const tests of ['model-policy.tests.yml', 'risk-matrix.tests.yml']) {
    edit(tests, 'model_class: vision', 'model_class: language')
  }
  const { digest } = await until(stack, (policies) => policies.stale === null && policies.recorded)
  const after = await ask()
  assert.equal(after.policy.digest, digest)
  assert.notEqual(digest, before.policy.digest)
  assert.equal(after.allowed, false)
}

interface Policies {
  digest: string
  recorded: boolean
  stale: { errors: string[] } | null
}

/** The policies that decide, once they are so; fails after half a minute. */
async function until(
  stack: ComposeStack,
  isSo: (policies: Policies) => boolean,
): Promise<Policies> {
  for (let tries = 0; tries < 60; tries++) {
    const { body } = await callGateway<Policies>(stack.url, '/mcp-policy/policies')
    if (isSo(body)) return body
    await sleep(500)
  }
  throw new Error('mcp-policy did not take notice of its folder')
}
