/** Longest request target, in bytes. A model id of 200 characters is up to 2,400 when percent-encoded. */
export const MAX_TARGET = 4_096

/** A request target in the one accepted form, still as received: nothing in it has been decoded. */
export interface Target {
  /** Starts with `/`, holds no empty segment, no dot segment and no encoded delimiter. */
  path: string
  /** `?` and the query, or empty. */
  search: string
  /** Names and values of the query in order; every name occurs once. */
  query: (readonly [name: string, value: string])[]
}

/** RFC 3986 §3.3 segments without `;`, because path parameters are a second reading of a path. */
const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@%-]+)+$/
/** Visible ASCII; `#` would start a fragment, which has no place in a request (RFC 9112 §3.2). */
const QUERY = /^[\x21\x22\x24-\x7e]+$/
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/
/** Controls: %00–%1f and %7f. */
const CONTROL_ESCAPE = /%(?:[01][0-9A-Fa-f]|7[Ff])/
/** `.`, `/`, `\`, `%` and `;` encoded: somebody behind us would decode them into another path. */
const DELIMITER_ESCAPE = /%(?:2[EeFf5]|3[Bb]|5[Cc])/
const DOT_SEGMENT = /\/\.(?:\/|$)|\.\./

/**
 * Reads a raw request target, before anything decodes it. Null if it is not in the one accepted form:
 * whatever has a second reading is refused, never normalised, so that the path which is checked is byte
 * for byte the path which is called. `raw` is attacker-controlled.
 */
export function parseTarget(raw: string): Target | null {
  const mark = raw.indexOf('?')
  const path = mark === -1 ? raw : raw.slice(0, mark)
  const isPath = path === '/' || (PATH.test(path) && !DOT_SEGMENT.test(path))
  if (!isPath || (path.includes('%') && !isCleanlyEscaped(path, DELIMITER_ESCAPE))) return null
  if (mark === -1) return { path, search: '', query: [] }
  const text = raw.slice(mark + 1)
  if (!QUERY.test(text) || (text.includes('%') && !isCleanlyEscaped(text))) return null
  const query = parseQuery(text)
  return query && { path, search: raw.slice(mark), query }
}

function isCleanlyEscaped(text: string, refused?: RegExp): boolean {
  if (BAD_ESCAPE.test(text) || CONTROL_ESCAPE.test(text) || refused?.test(text)) return false
  try {
    // Throws on what is not UTF-8, overlong forms such as %c0%ae among it.
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function parseQuery(text: string): Target['query'] | null {
  const query: Target['query'] = []
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=')
    if (equals < 1) return null
    const name = pair.slice(0, equals)
    if (query.some(([known]) => known === name)) return null
    query.push([name, pair.slice(equals + 1)])
  }
  return query
}
