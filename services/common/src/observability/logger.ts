import pino, { type Logger } from 'pino'

/** Lines are handed on in pieces of this many characters, or as they are after so many ms. */
const GATHERED = 32_768
const FLUSH_EVERY = 200

/**
 * JSON lines on standard output. Lines are gathered for up to 200 ms or 32 KiB, because each write costs; they
 * are flushed at exit and before a fatal error ends the process. What must not be lost is in the audit log, not here.
 */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // An error's message and stack are for the operator; its other members may hold data.
      serializers: { err: (error: Error) => describeError(error) },
    },
    standardOutput(),
  )
}

type Destination = pino.DestinationStream & { flushSync(): void }

/** One for the process, as there is one standard output. */
let output: Destination | undefined

function standardOutput(): Destination {
  output ??= gathered()
  return output
}

/**
 * Standard output, with the lines gathered here: pino's own destination would measure all that it has gathered
 * again at each line, which costs as much as writing the line.
 */
function gathered(): Destination {
  let lines = ''
  const handOn = (): void => {
    if (lines === '') return
    const gathered = lines
    lines = ''
    file.write(gathered)
  }
  const flush = (): void => {
    handOn()
    file.flush()
  }
  const flushSync = (): void => {
    handOn()
    file.flushSync()
  }
  // Before the destination is made, which at exit writes out what it has and then takes no more.
  process.on('exit', flushSync)
  const file = pino.destination({
    ...{ dest: 1, sync: false },
    // It starts to write when it is told to: a write that starts at exit would not come to its end.
    minLength: 8 * GATHERED,
    maxWrite: 16 * GATHERED,
  })
  setInterval(flush, FLUSH_EVERY).unref()
  return {
    write(line) {
      lines += line
      if (lines.length > GATHERED) flush()
    },
    flushSync,
  }
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
