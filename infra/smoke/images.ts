import { type ComposeStack, labelOf } from './compose-stack.ts'

const MIB = 1_048_576

export interface ImageFigures {
  size_mib: number
  above_base_mib: number
}

/** The size of each image made here, and how much of it is above the image it is made from. */
export async function imageSizes(stack: ComposeStack): Promise<Record<string, ImageFigures>> {
  const sizes: Record<string, ImageFigures> = {}
  const base = await sizeOf(stack, 'node:26-bookworm-slim')
  for (const facts of await stack.containers()) {
    const name = labelOf(facts)
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
  const names = new Map(running.map((facts) => [facts.Id.slice(0, 12), labelOf(facts)]))
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
