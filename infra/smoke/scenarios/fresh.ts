import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  shows: 'without a .env the stack is safe, complete and small, and takes an edited policy',
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
    say('an edited policy, without a build')
    await editPolicy(stack)
    return { rules: ruleCount, containers: containers.length, images, memory }
  },
}

/** The files of this repository in each image: sources and the manifests that Node reads, nothing beside them. */
async function onlyWhatRuns(stack: ComposeStack): Promise<void> {
  for (const service of ['mcp-lineage', 'mcp-policy', 'mcp-audit', 'mcp-gateway']) {
    const find = ['find', '/app', '-path', '*/node_modules', '-prune', '-o', '-type', 'f', '-print']
    const { stdout } = await stack.compose(['exec', '-T', service, ...find])
    const files = stdout.trim().split('\n')
    const runs =
      /^\/app\/services\/[a-z-]+\/(package\.json|src\/([a-z0-9-]+\/)*[a-z0-9-]+\.(ts|js))$/
    const mounted = /^\/app\/(policies|infra\/keys)\//
    assert.ok(files.length > 20)
    assert.deepEqual(
      files.filter((file) => !runs.test(file) && !(service === 'mcp-policy' && mounted.test(file))),
      [],
    )
  }
}

async function editPolicy(stack: ComposeStack): Promise<void> {
  const payload = {
    model_class: 'vision',
    use_case: 'general',
    risk: {
      data_sensitivity: 1,
      model_complexity: 1,
      deployment_impact: 1,
      monitoring_maturity: 3,
    },
  }
  const ask = async () => {
    const { status, body } = await callGateway<{ allowed: boolean; policy: { digest: string } }>(
      stack.url,
      '/mcp-policy/validate',
      { payload },
    )
    assert.equal(status, 200)
    return body
  }
  const before = await ask()
  assert.equal(before.allowed, true)
  const path = join(stack.folder, 'policies', 'model-policy.yml')
  const text = readFileSync(path, 'utf8')
  const edited = text.replace('value: [vision, ', 'value: [')
  assert.notEqual(edited, text)
  writeFileSync(path, edited)
  await stack.compose(['restart', 'mcp-policy'])
  await stack.up()
  const after = await ask()
  assert.notEqual(after.policy.digest, before.policy.digest)
  assert.equal(after.allowed, false)
}
