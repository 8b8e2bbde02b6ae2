import pino, { type Logger } from 'pino'

/**
 * JSON lines on standard output. Lines are gathered for up to 200 ms or 32 KiB, because each write costs; they
 * are flushed at exit and before a fatal error ends the process. What must not be lost is in the audit log, not here.
 */
export function createLogger(service: string, level: string): Logger {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: 32_768,
    maxWrite: 65_536,
    periodicFlush: 200,
  })
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // An error's message and stack are for the operator; its other members may hold data.
      serializers: { err: (error: Error) => describeError(error) },
    },
    destination,
  )
}

function describeError(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause instanceof Error && { cause: describeError(cause) }),
  }
}
