/**
 * What the runner reads from standard output and from the output file. Whatever comes from the server or
 * from an input is attacker-controlled here: a line that starts with `::` or holds `##[` is a command to
 * the runner.
 */

const LONGEST_LINE = 1_000

/**
 * A text as one line without control characters: those become visible escapes such as `\u000a`. `##[`, which
 * starts a command wherever it stands in a line, is taken apart.
 *
 * @param {string} text
 */
export function oneLine(text) {
  const line = text
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
      (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
    )
    .replaceAll('##[', '## [')
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE).toWellFormed()} …`
}

/**
 * The data of a command, behind the second `::`. The runner turns `%25`, `%0D` and `%0A` back.
 *
 * @param {string} text
 */
export function escapeData(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/**
 * The value of a property of a command, where `:` and `,` would end it.
 *
 * @param {string} text
 */
export function escapeProperty(text) {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/**
 * An annotation, as a line for standard output.
 *
 * @param {'error' | 'warning' | 'notice'} level
 * @param {string} title
 * @param {string} message
 */
export function annotation(level, title, message) {
  return `::${level} title=${escapeProperty(oneLine(title))}::${escapeData(oneLine(message))}`
}

/**
 * Tells the runner to show `***` where this value would be printed.
 *
 * @param {string} value
 */
export function mask(value) {
  return `::add-mask::${escapeData(value)}`
}

/**
 * Lines for the output file (`GITHUB_OUTPUT`). The delimiter has to be one that no value can know: a value
 * that holds it could set other outputs.
 *
 * @param {Record<string, string>} outputs
 * @param {() => string} makeDelimiter a random text, a new one each time
 */
export function outputLines(outputs, makeDelimiter) {
  return Object.entries(outputs)
    .map(([name, value]) => {
      const delimiter = makeDelimiter()
      return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
    })
    .join('')
}
