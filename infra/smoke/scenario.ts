import type { ComposeStack } from './compose-stack.ts'

/** A trial of the compose stack that ends well or throws. */
export interface Scenario {
  /** What it shows, as a sentence. */
  shows: string
  /** Lines of `.env`; none: the stack runs without one. */
  dotenv?: readonly string[]
  replicas?: Record<string, number>
  /** What has to be there before the stack starts. */
  prepare?(stack: ComposeStack, say: (line: string) => void): Promise<void>
  /** Returns figures for the report. */
  run(stack: ComposeStack, say: (line: string) => void): Promise<Record<string, unknown>>
}
