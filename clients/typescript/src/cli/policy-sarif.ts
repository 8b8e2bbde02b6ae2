import { packageVersion } from './package-version.ts'
import type { PolicyExitCode } from './policy-exit.ts'
import type { Finding } from './policy-finding.ts'
import { uriOf } from './policy-place.ts'

const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'
const INFORMATION = 'https://www.npmjs.com/package/@ai-governance/client'

/** Findings as a log in SARIF 2.1.0 with one run; columns are UTF-16 units, as everywhere here. */
export function sarifOf(findings: readonly Finding[], exitCode: PolicyExitCode): object {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const version = packageVersion()
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'aigov policy',
            version,
            semanticVersion: version,
            informationUri: INFORMATION,
            rules: codes.map((id) => ({ id })),
          },
        },
        invocations: [{ executionSuccessful: true, exitCode }],
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, codes)),
      },
    ],
  }
}

function resultOf({ level, code, message, place }: Finding, codes: readonly string[]): object {
  const { file, line, column } = place
  const region = { startLine: line, ...(column !== undefined && { startColumn: column }) }
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level,
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, region } }],
  }
}
