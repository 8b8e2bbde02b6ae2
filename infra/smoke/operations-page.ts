import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandResult } from './command.ts'
import type { ComposeStack } from './compose-stack.ts'
import { shellBlocks } from './documented-commands.ts'

/** The `sh` blocks of a chapter of docs/OPERATIONS.md. */
export function chapter(stack: ComposeStack, heading: string): string[] {
  const page = readFileSync(join(stack.folder, 'docs', 'OPERATIONS.md'), 'utf8')
  const blocks = shellBlocks(page, heading)
  assert.ok(blocks.length > 0)
  return blocks
}

/**
 * Runs the commands of a chapter, block by block, as a person would paste them; a failing one ends the trial.
 *
 * @returns what the last block said
 */
export async function runChapter(stack: ComposeStack, heading: string): Promise<CommandResult> {
  let said: CommandResult | undefined
  for (const block of chapter(stack, heading)) {
    said = await stack.shell(block.replaceAll('http://127.0.0.1:8080', stack.url))
  }
  return said as CommandResult
}
