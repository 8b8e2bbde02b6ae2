import { ApiError } from '../errors.ts'

/** What a browser says about the page behind a request; undefined where it says nothing. */
export interface PageHeaders {
  /** `Origin`, its values joined by commas where it came twice. */
  origin?: string | undefined
  /** `Sec-Fetch-Site`, likewise. */
  'sec-fetch-site'?: string | undefined
}

/**
 * `cross_site_request` where a web page of another site is behind the request, else null. A page may send a
 * form or a `no-cors` fetch to any loopback port without asking; but it can neither leave out nor choose what
 * the browser says of it: every browser sends `Origin` with what is not GET or HEAD
 * (https://fetch.spec.whatwg.org/#origin-header), and `Sec-Fetch-Site` where the target is loopback or HTTPS
 * (https://www.w3.org/TR/fetch-metadata/). Programs send neither. `isKnownHost` is asked with the host and
 * port of the origin. Attacker-controlled.
 */
export function crossSiteFault(
  headers: PageHeaders,
  isKnownHost: (host: string) => boolean,
): ApiError | null {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin === undefined && site === undefined) return null
  // `null`, another scheme and a list have no host that could be known.
  const host = origin === undefined ? null : /^https?:\/\/([^/,]+)$/.exec(origin)?.[1]
  const foreign = host === undefined || (host !== null && !isKnownHost(host))
  return foreign || site?.includes('cross-site') ? new ApiError('cross_site_request') : null
}
