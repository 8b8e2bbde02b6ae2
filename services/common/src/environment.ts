import { z } from 'zod'

/** A configuration that a process must not start with. `message` has one sentence a line. */
export class EnvironmentError extends Error {
  constructor(lines: string[]) {
    super(lines.join('\n'))
    this.name = 'EnvironmentError'
  }
}

/**
 * Reads the variables of `shape` from `env` as one typed object. The description of a variable says what
 * it must be, and is the message when it is not. An empty value counts as not set, because that is what
 * compose makes of an unset `${NAME}`. Values never appear in messages: some are secrets.
 *
 * Throws {@link EnvironmentError} naming every wrong variable and the fix.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Record<string, string | undefined>,
): z.output<z.ZodObject<Shape>> {
  const names = Object.keys(shape)
  const given = Object.fromEntries(
    names
      .filter((name) => env[name] !== undefined && env[name] !== '')
      .map((name) => [name, env[name]]),
  )
  const result = z.object(shape).safeParse(given)
  if (result.success) return result.data
  const wrong = [...new Set(result.error.issues.map((issue) => String(issue.path[0])))]
  throw new EnvironmentError(
    wrong.map((name) => {
      const state = name in given ? 'has a wrong value' : 'is not set'
      return `${name} ${state}: it must be ${z.globalRegistry.get(shape[name] as z.ZodType)?.description}.`
    }),
  )
}

/**
 * Why a file that a variable names could not be read and what to do about it, as a predicate without a full stop:
 * a file that is closed is to be opened, and of any other fault `help` says what to do.
 */
export function unreadable(error: unknown, help: string): string {
  const { code } = error as NodeJS.ErrnoException
  const open = `give it, and the way to it, to the user of this process (${process.getuid?.()})`
  return `cannot be read (${code}): ${code === 'EACCES' ? open : help}`
}

/** A TCP port in decimal. */
export const port = z
  .string()
  .regex(/^[1-9][0-9]{0,4}$/)
  .transform(Number)
  .pipe(z.number().max(65_535))

/** Milliseconds or any other whole number from 1 on, in decimal. */
export const positiveInteger = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/)
  .transform(Number)

/** `true` or `false`, spelled like that. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** What every service reads. */
export const serverVariables = {
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address to listen on, for example 127.0.0.1 or 0.0.0.0'),
  PORT: port.default(8000).describe('a TCP port to listen on, for example 8000'),
  METRICS_PORT: port
    .optional()
    .describe('a TCP port for /metrics, for example 9100, or unset for no metrics'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('one of fatal, error, warn, info, debug, trace, silent'),
  GATEWAY_ALLOWED_HOSTS: z
    .string()
    .regex(/^[a-z0-9.-]+(,[a-z0-9.-]+)*$/)
    .transform((text) => text.split(','))
    .default([])
    .describe(
      'host names that clients may use, lower case, comma-separated, for example gov.example.org',
    ),
}

/** What a service with a database login reads. */
export const databaseVariables = {
  DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl)
    .describe('a URL with user and database such as postgres://audit_service@db:5432/governance'),
  DATABASE_PASSWORD_FILE: z
    .string()
    .optional()
    .describe('the path of a file that holds the password for DATABASE_URL, or unset'),
}

function isDatabaseUrl(text: string): boolean {
  const url = URL.parse(text)
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) return false
  return (
    url.hostname !== '' &&
    url.username !== '' &&
    url.pathname.length > 1 &&
    !/%(?![0-9a-f]{2})/i.test(text)
  )
}
