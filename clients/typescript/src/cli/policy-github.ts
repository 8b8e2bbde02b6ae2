import { resolve } from 'node:path'
import { printable } from './output.ts'
import type { Finding } from './policy-finding.ts'
import { pathInCheckout } from './policy-place.ts'

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const

/**
 * Findings as workflow commands of GitHub Actions, a line each: the runner shows them at the line of the file in
 * the pull request.
 *
 * Messages may hold what a file says: what would end a command or begin another is written out.
 */
export function annotationsOf(findings: readonly Finding[]): string[] {
  return findings.map(({ level, code, message, place }) => {
    const { file, line, column } = place
    const properties = {
      file: pathInCheckout(file) ?? resolve(file),
      line,
      ...(column !== undefined && { col: column }),
      title: code,
    }
    const parts = Object.entries(properties).map(([name, value]) => `${name}=${property(value)}`)
    return `::${COMMANDS[level]} ${parts.join(',')}::${data(message)}`
  })
}

/** What ended a command early, as a workflow command of its own: the runner acts on no other that it may hold. */
export function annotationOf(message: string): string {
  return `::error title=aigov policy::${data(message)}`
}

function data(text: string): string {
  return printable(text).replaceAll('%', '%25')
}

function property(value: string | number): string {
  return data(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
