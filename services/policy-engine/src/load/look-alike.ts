import type { Scalar } from '../input.ts'
import type { Place, Report } from './load-problem.ts'

const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u
/** Spaces that are not the space bar's: no-break, thin, ideographic. */
const ODD_SPACE = /(?! )\p{Zs}/u
const WORD = /[\p{L}\p{M}]+/gu
const LATIN = /\p{Script=Latin}/u
const NOT_LATIN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u

/**
 * Why a text that rules compare with looks like another text than it is, in words; undefined if it
 * does not. A deny rule that names such a word looks right to every reviewer and never matches.
 * (Unicode Technical Standard 39, §5.1, mixed scripts; a word wholly in another script is let be.)
 */
function disguiseOf(text: string): string | undefined {
  const hidden = INVISIBLE.exec(text) ?? ODD_SPACE.exec(text)
  if (hidden) {
    const code = hidden[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    return `holds U+${code}, which cannot be told from nothing or from a space; retype the text`
  }
  // A block scalar (`>`, `|`) ends in a line break, and a quoted text may end in a space.
  if (text !== text.trim()) return 'begins or ends with a space or a line break; take it away'
  if (text !== text.normalize('NFC')) {
    return 'is written with letters and accents apart (not NFC); retype the text'
  }
  const mixed = text.match(WORD)?.find((word) => LATIN.test(word) && NOT_LATIN.test(word))
  if (mixed === undefined) return undefined
  return `mixes Latin with look-alike letters in "${mixed}"; retype the word`
}

/** Reports a value that looks like another one; returns whether it does. */
export function reportDisguise(value: Scalar, at: Place, report: Report): boolean {
  const disguise = typeof value === 'string' ? disguiseOf(value) : undefined
  if (disguise === undefined) return false
  report(at, 'look_alike', `the text ${disguise}`)
  return true
}
