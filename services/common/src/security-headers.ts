/**
 * The security headers of answers that are made before the helmet plugin has a say: on a bare socket, or
 * before the first hook.
 */
export const SECURITY_HEADERS = {
  'Content-Security-Policy': "default-src 'none';frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
} as const
