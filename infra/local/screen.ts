import { relative } from 'node:path'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import type { ServicePlan } from './services.ts'

/**
 * The one screen that says what runs where and what to try.
 *
 * @param warnings what somebody should look at, one line each
 */
export function screen(
  services: readonly ServicePlan[],
  database: { port: number; user: string; name: string; passwordFile: string },
  warnings: readonly string[],
  root: string,
  data: string,
): string {
  const base = (port: number) => `http://127.0.0.1:${port}`
  const gateway = services.find(({ name }) => name === 'mcp-gateway')
  const address = base(gateway?.port ?? 0)
  const row = (name: string, text: string) => `  ${name.padEnd(12)} ${text}`
  const rows = services
    .toReversed()
    .map(({ name, port, metricsPort }) =>
      row(
        name,
        `${base(port)}${name === 'mcp-gateway' ? '   clients call this one' : ''}`.padEnd(52) +
          `metrics ${base(metricsPort)}/metrics`,
      ),
    )
  const databaseUrl = `postgres://${database.user}@127.0.0.1:${database.port}/${database.name}`
  const doubts = warnings.length === 0 ? '' : `\nWarnings:\n\n  ${warnings.join('\n  ')}\n`
  const isOpen = gateway?.env.AUTH_MODE === 'none'
  const curl = `curl -w '\\n'${isOpen ? '' : ' -H "Authorization: Bearer $AIGOV_TOKEN"'}`
  return `
The control plane runs.

${rows.join('\n')}
${row('to try it', `${address}/docs   every path, in a browser`)}
${row('database', databaseUrl)}
${row('', `PGPASSWORD=$(cat ${relative(root, database.passwordFile)}) psql ${databaseUrl}`)}
${row('logs', `${relative(root, data)}/logs/`)}
${row('signing key', `${relative(root, data)}/signer/   verifier key: ${address}/mcp-audit/checkpoint/key`)}
${doubts}
Three commands to try${isOpen ? '' : ', with an API key or a token in AIGOV_TOKEN'}:

  ${curl} ${address}/mcp

  ${curl} ${address}/api/v1/gate -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(exampleQuestion)}'

  ${curl} ${address}/mcp-audit/log -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(exampleEvent)}'

Ctrl-C stops everything, the database last.
`
}

const exampleQuestion = {
  subject: 'fraud-detector@1.0.0',
  payload: { ...EXAMPLE_PAYLOAD, model_class: 'tabular' },
}

const exampleEvent = {
  event_type: 'model.reviewed',
  subject: 'fraud-detector@1.0.0',
  decision: true,
  details: { reviewer: 'alice' },
}
