import { readFileSync } from 'node:fs'
import { EnvironmentError, unreadable } from '@ai-governance/common/environment'
import { parseWitnessKey, type WitnessKey } from './cosignature.ts'

/** Somebody elsewhere who cosigns our checkpoints. */
export interface Witness {
  key: WitnessKey
  /** Where to send them: its submission prefix and `/add-checkpoint`. */
  url: URL
}

/** A signed note has at most 100 signatures. */
const MAX_WITNESSES = 50

/**
 * Reads the list of witnesses, one a line: its verifier key, a space, its submission prefix. Empty lines and
 * those that begin with `#` are passed over. Throws `EnvironmentError` with a sentence for each line that is wrong.
 */
export function readWitnesses(file: string | undefined): Witness[] {
  if (file === undefined) return []
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new EnvironmentError([
      `AUDIT_WITNESSES_PATH names ${file}, which ${unreadable(error, 'it must be a file with a witness a line')}; see docs/OPERATIONS.md, "Witnesses".`,
    ])
  }
  const witnesses: Witness[] = []
  const faults: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const read = readLine(trimmed, witnesses)
    if (typeof read === 'string') faults.push(`AUDIT_WITNESSES_PATH, line ${index + 1}: ${read}.`)
    else witnesses.push(read)
  }
  if (witnesses.length > MAX_WITNESSES) {
    faults.push(`AUDIT_WITNESSES_PATH names more than ${MAX_WITNESSES} witnesses: leave some out.`)
  }
  if (faults.length > 0) throw new EnvironmentError(faults)
  return witnesses
}

/** The witness of a line, or what is wrong with it: never the line itself, which may hold a password. */
function readLine(line: string, before: readonly Witness[]): Witness | string {
  const [keyText = '', urlText = '', ...more] = line.split(/[ \t]+/)
  const key = parseWitnessKey(keyText)
  if (!key) {
    return 'it must begin with the verifier key of a witness, as "aigov witness keygen" prints it'
  }
  if (before.some((other) => other.key.text === key.text)) return 'this witness is named twice'
  const url = URL.parse(urlText)
  if (more.length > 0 || !url || !/^https?:$/.test(url.protocol)) {
    return 'behind the verifier key it needs the URL of the witness, such as https://witness.example.org'
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'the URL of a witness has no user, no password, no query and no fragment'
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/add-checkpoint`
  return { key, url }
}
