// What @peculiar/x509 is built with asks for it.
import 'reflect-metadata'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** PEM files of an authority that nobody knows, and of a server that it vouches for. */
export interface Authority {
  certificate: string
  serverKey: string
  serverCertificate: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 86_400_000

/**
 * Makes a certificate authority as a company has, and a certificate for a day.
 *
 * @param folder where all files go
 * @param name of the server
 */
export async function makeAuthority(
  folder: string,
  name: { type: Extract<GeneralNameType, 'dns' | 'ip'>; value: string },
): Promise<Authority> {
  const [authority, server] = await Promise.all([newKeys(), newKeys()])
  const notBefore = new Date(Date.now() - DAY)
  const valid = { notBefore, notAfter: new Date(Date.now() + DAY), signingAlgorithm: ALGORITHM }
  const issuer = 'CN=Authority of a company'
  const root = await X509CertificateGenerator.createSelfSigned({
    ...{ ...valid, serialNumber: '01', name: issuer, keys: authority },
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  const leaf = await X509CertificateGenerator.create({
    ...{ ...valid, serialNumber: '02', subject: 'CN=server', issuer },
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    extensions: [new BasicConstraintsExtension(false), new SubjectAlternativeNameExtension([name])],
  })
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text)
    return join(folder, file)
  }
  const key = await crypto.subtle.exportKey('pkcs8', server.privateKey)
  return {
    certificate: write('authority.pem', `${root.toString('pem')}\n`),
    serverKey: write('key.pem', `${PemConverter.encode(key, 'PRIVATE KEY')}\n`),
    serverCertificate: write('server.pem', `${leaf.toString('pem')}\n`),
  }
}

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
