import type { Command } from 'commander'
import type { Decision } from '../policy-types.ts'
import type { Runner } from './context.ts'
import { EXIT, Exit } from './exit.ts'
import { readPayload } from './input.ts'
import { outcomeLines } from './policy-explanation.ts'

/** `aigov validate` */
export function addValidate(program: Command, run: Runner): void {
  program
    .command('validate')
    .description('Ask the policies whether a model may be released.')
    .argument('<file>', 'JSON object with the payload, "-" for standard input')
    .option('--aibom <file>', 'signed bill of materials, put into the payload')
    .addHelpText(
      'after',
      `
The file holds the payload, or { "payload": … } as POST /mcp-policy/validate takes it. Examples:
  aigov validate payload.json
  aigov validate payload.json --aibom signed.json
  echo '{"model_class":"vision","use_case":"general"}' | aigov validate - --json | jq .reasons

Exit code 0 if it is allowed, 3 if it is denied.`,
    )
    .action((file: string, options: { aibom?: string }, command: Command) =>
      run(command, async (context) => {
        const payload = await readPayload(file, options.aibom)
        const decision = await context.client().policy.validate(payload, { signal: context.signal })
        context.result(decision, () => decisionLines(decision))
        if (!decision.allowed) throw new Exit(EXIT.denied)
      }),
    )
}

/** A decision for people. */
export function decisionLines(decision: Decision): string[] {
  const { policy, aibom } = decision
  const reason = aibom.reason ? ` (${aibom.reason})` : ''
  return [
    ...outcomeLines(decision),
    `policies ${policy.name} ${policy.version}, ${policy.digest}`,
    `bill of materials: ${aibom.status}${reason}`,
    `decision ${decision.decision_id} at ${decision.evaluated_at}`,
  ]
}
