import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const iterations = 4096 // PostgreSQL's own default, scram_iterations

/**
 * The verifier that PostgreSQL stores for a password (RFC 5803 with RFC 7677, and
 * src/common/scram-common.c): `ALTER ROLE … PASSWORD` takes it in place of the password, which so never
 * reaches a statement, and with it neither a log nor pg_stat_activity.
 *
 * @param password printable ASCII, for which the preparation of RFC 4013 changes nothing
 */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
