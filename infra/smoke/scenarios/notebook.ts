import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { executeNotebook, requirePrograms } from '../notebook/execute.ts'
import { parseNotebook } from '../notebook/notebook.ts'
import type { Scenario } from '../scenario.ts'

export const notebook: Scenario = {
  shows: 'examples/demo_notebook.md does what it says, in curl, TypeScript and Python',
  async run(stack, say) {
    await requirePrograms()
    const page = readFileSync(join(stack.folder, 'examples', 'demo_notebook.md'), 'utf8')
    const steps = parseNotebook(page)
    const figures = await executeNotebook(steps, stack, say)
    say('again, on a log with entries and with keys that are trusted')
    assert.deepEqual(await executeNotebook(steps, stack, () => {}), figures)
    return { ...figures }
  },
}
