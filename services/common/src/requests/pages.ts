/** Bytes at which a page of results ends at the latest. */
export const PAGE_BYTES = 4 * 1_048_576

/**
 * The rows of a page out of those that were read for it: one more than `limit`, so that it shows whether
 * there is another page, or fewer where the page was cut at its size. `found` of each row is how many there
 * were before that cut.
 */
export function cutPage<Row extends { found: string }>(
  rows: readonly Row[],
  limit: number,
): { shown: Omit<Row, 'found'>[]; more: boolean } {
  const shown = rows.slice(0, limit).map(({ found, ...row }) => row)
  return { shown, more: Number(rows[0]?.found ?? 0) > shown.length }
}

/**
 * The `Link` header (RFC 8288) of the page that follows the one at `url` and starts below `id`, with the
 * same filters.
 */
export function nextPageLink(url: string, id: number): string {
  // A value may hold further question marks.
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const parameters = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  parameters.delete('offset')
  parameters.set('before', String(id))
  return `<${path}?${parameters}>; rel="next"`
}
