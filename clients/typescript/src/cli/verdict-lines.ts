import type { ExportVerdict, Result } from '../export-verdict.ts'

const TITLES: Readonly<Record<Result, string>> = {
  verified: 'VERIFIED',
  not_verified: 'NOT VERIFIED',
  in_part: 'VERIFIED AS FAR AS IT GOES',
  not_pinned: 'CONSISTENT, KEY NOT PINNED',
  unusable: 'UNUSABLE',
}

/** A verdict for people: what is shown and what is not. `name` is what the export is called. */
export function linesOf(verdict: ExportVerdict, name: string): string[] {
  const { entries, first_id, last_id, erased, root } = verdict
  const title = TITLES[verdict.result]
  if (!verdict.ok) {
    const bad = verdict.first_bad_id
    return [
      `${title}  ${name}, line ${verdict.line}${bad === null ? '' : `, entry ${bad}`}: ${verdict.reason}`,
      `  ${entries} entries before it are right in themselves`,
    ]
  }
  const range = entries === 0 ? 'none' : `${first_id} to ${last_id}`
  return [
    `${title}  ${entries} entries (${range})${erased > 0 ? `, ${erased} of them with erased details` : ''}`,
    `last_entry_hash ${verdict.last_entry_hash}`,
    ...(root === null ? [] : [`root ${root}`]),
    ...signatureLines(verdict),
    ...verdict.warnings.map((text) => `  warning: ${text}`),
  ]
}

function signatureLines({ signature, origin, size, witnesses }: ExportVerdict): string[] {
  if (signature === 'none') {
    return ['  not shown: that no other log of that name was told: there is no signed checkpoint']
  }
  const signed = `${origin} at ${size} entries`
  if (signature === 'not_pinned') {
    return [
      `  signed as ${signed} by a key that the export itself names`,
      '  not shown: whose key that is: give the one that you trust with --key',
      ...cosigned(witnesses),
    ]
  }
  return [`  signed as ${signed} by the key that was given`, ...cosigned(witnesses)]
}

const cosigned = (witnesses: readonly string[]) => witnesses.map((name) => `  cosigned by ${name}`)
