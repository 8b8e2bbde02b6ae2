import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import type { ComposeStack } from '../compose-stack.ts'
import type { Scenario } from '../scenario.ts'

export const offline: Scenario = {
  shows: 'images are built without a network from what was fetched before',
  async run(stack, say) {
    say('without anything fetched, the build says what to do')
    const refused = await build(stack, 'infra/Dockerfile', [1])
    assert.match(refused, /infra\/containers\/offline is empty: fill it/)
    say('fetch')
    await stack.shell('sh infra/containers/offline/fetch.sh')
    const dockerfiles = globSync(['infra/Dockerfile', 'services/*/Dockerfile'], {
      cwd: stack.folder,
    })
    for (const dockerfile of dockerfiles) {
      say(`build ${dockerfile}`)
      await build(stack, dockerfile)
    }
    return { images: dockerfiles.length }
  },
}

/** Builds with no network and no cache, and keeps no image; returns what the build said. */
async function build(
  stack: ComposeStack,
  dockerfile: string,
  allow: readonly number[] = [],
): Promise<string> {
  const options = ['--network', 'none', '--no-cache', '--build-arg', 'OFFLINE=true']
  const { stdout, stderr } = await stack.docker(
    ['build', '--progress', 'plain', ...options, '-f', dockerfile, '.'],
    { allow },
  )
  return stdout + stderr
}
