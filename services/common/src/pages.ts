/** Bytes at which a page of results ends at the latest. */
export const PAGE_BYTES = 4 * 1_048_576

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
