import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { type ComposeStack, prepareStack } from './compose-stack.ts'
import type { Scenario } from './scenario.ts'

/** What came of a trial. */
export interface Report {
  scenario: string
  ok: boolean
  build_s: number
  start_s: number
  figures: Record<string, unknown>
  /** What does not hold, in words; null where all does. */
  fault: string | null
}

/**
 * Builds a stack of its own, starts it, tries it and takes it down, also where it fails or a signal comes.
 *
 * @param logsFolder where what the containers wrote is kept, in a file of the scenario's name
 */
export async function trial(
  name: string,
  scenario: Scenario,
  say: (line: string) => void,
  logsFolder?: string,
): Promise<Report> {
  say(`\n== ${name}: ${scenario.shows}`)
  const report: Report = {
    scenario: name,
    ok: false,
    build_s: 0,
    start_s: 0,
    figures: {},
    fault: null,
  }
  let output = ''
  const onOutput = (text: string) => {
    output += text
  }
  const stack = await prepareStack(name, scenario.dotenv ?? [], onOutput)
  const takeDown = onSignal(stack, say)
  try {
    say('-- build')
    report.build_s = await timed(() => stack.compose(['build'], { onOutput }))
    await scenario.prepare?.(stack, (line) => say(`-- ${line}`))
    say(`-- up (built in ${report.build_s} s)`)
    report.start_s = await timed(() => stack.up(scenario.replicas))
    say(`-- healthy after ${report.start_s} s`)
    report.figures = await scenario.run(stack, (line) => say(`-- ${line}`))
    report.ok = true
  } catch (error) {
    say(`-- what the containers wrote\n${await logsOf(stack)}`)
    report.fault = error instanceof Failure ? error.message : String((error as Error).stack)
    // Last, where whoever sees no more than the end of it finds it.
    say(`-- what does not hold\n${report.fault}`)
  } finally {
    if (logsFolder) writeFileSync(join(logsFolder, `${name}.log`), output + (await logsOf(stack)))
    say('-- down')
    await takeDown()
  }
  say(`== ${name}: ${report.ok ? 'holds' : 'DOES NOT HOLD'} ${JSON.stringify(report.figures)}`)
  return report
}

/** Returns what takes the stack down; until then a signal does it too, and ends the program. */
function onSignal(stack: ComposeStack, say: (line: string) => void): () => Promise<void> {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  let down: Promise<void> | undefined
  const takeDown = () => {
    down ??= stack.down()
    return down
  }
  const end = async (name: NodeJS.Signals) => {
    say(`-- ${name}: down`)
    await takeDown()
    process.exit(128 + constants.signals[name])
  }
  for (const name of names) process.on(name, end)
  return async () => {
    await takeDown()
    for (const name of names) process.off(name, end)
  }
}

const logsOf = (stack: ComposeStack) => stack.logs().catch((error: Error) => error.message)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return Math.round((performance.now() - from) / 100) / 10
}
