import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { EnvironmentError, unreadable } from '../environment.ts'

/** Where a database is, who asks, and by what file that shows. */
export interface ConnectionSource {
  /** `DATABASE_URL` */
  url: string
  /** `DATABASE_PASSWORD_FILE` */
  passwordFile: string | undefined
}

/**
 * How to connect. The files of password and authority (`sslrootcert`) are read here, so that a start fails with a sentence, and
 * again for each connection, so that a rotated password and a renewed authority count without a restart: that of CloudNativePG
 * ends after 90 days. Throws `EnvironmentError` if one of them cannot be read.
 */
export function connectionOf({ url, passwordFile }: ConnectionSource): pg.ClientConfig {
  const fields = fieldsOf(url)
  const authority = new URL(url).searchParams.get('sslrootcert')
  if (passwordFile !== undefined) readPassword(passwordFile)
  return {
    // Fields, because a `connectionString` without a password would override `password`.
    ...fields,
    ...(passwordFile !== undefined && { password: () => readPassword(passwordFile) }),
    ...(authority !== null &&
      typeof fields.ssl === 'object' && { ssl: trusting(fields.ssl, authority) }),
  }
}

function fieldsOf(url: string): pg.ClientConfig {
  try {
    return parseIntoClientConfig(url)
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException
    if (path === undefined) throw error
    throw new EnvironmentError([
      `DATABASE_URL names ${path}, which ${unreadable(error, 'it must be a PEM file')}.`,
    ])
  }
}

/** pg copies these options for each connection, and so asks for `ca` anew. */
function trusting(options: ConnectionOptions, authority: string): ConnectionOptions {
  let { ca } = options
  return {
    ...options,
    get ca() {
      try {
        ca = readFileSync(authority, 'utf8')
      } catch {
        // Amid a connection nobody could catch it; the last that was there is as good as any.
      }
      return ca
    },
  }
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    throw new EnvironmentError([
      `DATABASE_PASSWORD_FILE: ${file} ${unreadable(error, 'it must be a file with the password')}.`,
    ])
  }
}
