import type { ComposeStack } from './compose-stack.ts'
import { serviceOf } from './container-facts.ts'

const MIB = 1_048_576
const BASE = 'node:26-bookworm-slim'

export interface ImageFigures {
  size_mib: number
  above_base_mib: number
}

/** The size of each image made here, and how much of it is above the image it is made from. */
export async function imageSizes(stack: ComposeStack): Promise<Record<string, ImageFigures>> {
  const sizes: Record<string, ImageFigures> = {}
  // A build takes its base without giving it a name here.
  const known = await stack.docker(['image', 'inspect', BASE], { allow: [1] })
  if (known.code === 1) await stack.docker(['pull', '-q', BASE])
  const base = await sizeOf(stack, BASE)
  for (const facts of await stack.containers()) {
    const name = serviceOf(facts)
    if (name === 'db') continue
    const size = await sizeOf(stack, facts.Image)
    sizes[name] = { size_mib: mib(size), above_base_mib: mib(size - base) }
  }
  return sizes
}

async function sizeOf(stack: ComposeStack, image: string): Promise<number> {
  return Number((await stack.docker(['inspect', '-f', '{{.Size}}', image])).stdout)
}

const mib = (bytes: number) => Math.round((bytes / MIB) * 10) / 10

/** The memory of each running container as the engine states it, such as `63.4MiB`. */
export async function memoryOf(stack: ComposeStack): Promise<Record<string, string>> {
  const running = (await stack.containers()).filter(({ State }) => State.Status === 'running')
  const names = new Map(running.map((facts) => [facts.Id.slice(0, 12), serviceOf(facts)]))
  const { stdout } = await stack.docker([
    'stats',
    '--no-stream',
    '--format',
    '{{.ID}} {{.MemUsage}}',
    ...running.map(({ Id }) => Id),
  ])
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const [id = '', memory = ''] = line.split(' ')
      return [names.get(id.slice(0, 12)) ?? id, memory]
    }),
  )
}
