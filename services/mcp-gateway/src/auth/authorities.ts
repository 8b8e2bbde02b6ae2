import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { EnvironmentError, unreadable } from '@ai-governance/common/environment'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * What is trusted in connections to the issuer: the authorities that Node trusts, and those of a file. Read by
 * ourselves, because Node passes over a NODE_EXTRA_CA_CERTS that it cannot use, and would trust it for all.
 *
 * @param path OIDC_CA_PATH, a PEM file with one or more certificates
 * @throws EnvironmentError if it cannot be read, or holds no certificate or a broken one
 */
export function trustWith(path: string): SecureContext {
  const help =
    'set it to a PEM file with the certificate of the authority that vouches for the issuer, or unset it'
  const unusable = (why: string) =>
    new EnvironmentError([
      `OIDC_CA_PATH: ${path} ${why}, see docs/OPERATIONS.md, "Identity provider".`,
    ])
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw unusable(unreadable(error, help))
  }
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw unusable(`holds no certificate: ${help}`)
  for (const certificate of certificates) {
    if (!isCertificate(certificate))
      throw unusable(`holds a certificate that cannot be read: ${help}`)
  }
  return createSecureContext({ ca: [...getCACertificates('default'), ...certificates] })
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
