import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** PEM files of an authority that nobody knows, and of a server that it vouches for. */
export interface Authority {
  certificate: string
  serverKey: string
  serverCertificate: string
}

const EXTENSIONS = (name: string) => `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
basicConstraints = CA:FALSE
subjectAltName = ${name}
`
const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes', '-sha256', '-batch']

/**
 * Makes a certificate authority as a company has, with OpenSSL's command, and a certificate for a day.
 *
 * @param folder where all files go
 * @param name of the server, such as `DNS:id.example.org` or `IP:127.0.0.1`
 */
export function makeAuthority(folder: string, name: string): Authority {
  const config = join(folder, 'openssl.cnf')
  writeFileSync(config, EXTENSIONS(name))
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const common = ['-config', config, ...NEW_KEY]
  const authority = ['-subj', '/CN=Authority of a company', '-extensions', 'authority']
  const own = ['-keyout', 'authority.key', '-out', 'authority.pem', '-days', '1']
  openssl('req', '-x509', ...common, ...authority, ...own)
  openssl('req', '-new', ...common, '-subj', '/CN=server', '-keyout', 'key.pem', '-out', 'csr.pem')
  const by = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial', '-days', '1']
  const extensions = ['-extfile', config, '-extensions', 'server']
  openssl('x509', '-req', '-in', 'csr.pem', ...by, ...extensions, '-sha256', '-out', 'server.pem')
  return {
    certificate: join(folder, 'authority.pem'),
    serverKey: join(folder, 'key.pem'),
    serverCertificate: join(folder, 'server.pem'),
  }
}
