import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { readAibomPrivateKey } from '../aibom-keys.ts'
import {
  makeVerifierKey,
  readVerifierKey,
  type VerifierKey,
  verifierKeyText,
} from '../signed-note.ts'
import type { Context, Runner } from './context.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { readTextFile } from './input.ts'
import { keyTextOf } from './key-text.ts'
import { jsonLine } from './output.ts'
import { addWitnessKeygen } from './witness-keygen.ts'
import { createWitnessServer } from './witness-server.ts'
import { Witness, type WriteLog } from './witness-service.ts'
import { readWitnessFolder, WitnessState } from './witness-state.ts'

interface WitnessOptions {
  key: string
  state: string
  log?: string[]
  listen: string
}

/** `aigov witness` */
export function addWitness(program: Command, run: Runner): void {
  const repeat = (value: string, before: string[] = []) => [...before, value]
  const witness = program
    .command('witness')
    .description('Run a witness: it cosigns checkpoints of logs that only ever grow.')
    .helpCommand(false)
    .option('--key <file>', 'private key, PKCS#8 PEM', 'witness_private_key.pem')
    .option('--state <folder>', 'what it has cosigned', 'witness-state')
    .option('--log <key or file>', 'verifier key of a log to witness; may be repeated', repeat)
    .option('--listen <address>', 'address and port', '127.0.0.1:8090')
    .addHelpText('after', HELP)
    .action((options: WitnessOptions, command: Command) =>
      run(command, (context) => serveWitness(context, options)),
    )
  addWitnessKeygen(witness, run)
}

const HELP = `
It takes checkpoints at POST /add-checkpoint (C2SP tlog-witness) and cosigns one only if the log proves that it
continues the one before. Run it elsewhere than the log, under other people. Example:
  aigov witness keygen --name witness.example.org/w1
  aigov witness --log audit.example.org.vkey --listen 0.0.0.0:8090

Whoever runs the log puts the verifier key of the witness and http://<address>:8090 into the file that
AUDIT_WITNESSES_PATH names. For https put a reverse proxy in front of it.

The folder holds the newest note of each log, which "aigov verify --checkpoint" takes, and in *.fork.* what a log
signed that contradicts it: evidence. Never put back an earlier copy of it: a witness that has forgotten may
cosign another log of the same name. Make a new witness instead. Standard error is a log, one line of JSON for each
request. Exit code 0 after a signal, 1 where it cannot listen.`

async function serveWitness(context: Context, options: WitnessOptions): Promise<void> {
  const logs = await logsOf(options.log)
  const { seed, publicKey } = readAibomPrivateKey(await readTextFile(options.key))
  const own = await readWitnessFolder(options.state)
  const keyText = verifierKeyText(makeVerifierKey(own.name, publicKey.bytes, 'witness'))
  if (keyText !== verifierKeyText(own)) {
    throw usage(`${options.state} is the folder of another key than ${options.key}.`)
  }
  const state = new WitnessState(options.state)
  // A record that cannot be read is better known now than with the first request.
  for (const origin of logs.keys()) await state.seen(origin)
  const log: WriteLog = (line) =>
    process.stderr.write(`${jsonLine({ time: new Date().toISOString(), ...line })}\n`)
  const server = createWitnessServer(new Witness({ name: own.name, seed, logs, state, log }))
  const url = await listen(server, options.listen)
  const result = { url, verifier_key: keyText, logs: [...logs.keys()] }
  context.result(result, () => [
    `Listening on ${url} as ${result.verifier_key}`,
    ...result.logs.map((origin) => `witness of ${origin}`),
  ])
  if (!context.signal.aborted) await once(context.signal, 'abort')
  server.close()
  // What is under way is done in less; who is slow is cut before the process is.
  setTimeout(() => server.closeAllConnections(), 1_000).unref()
  await once(server, 'close')
}

async function logsOf(given: readonly string[] = []): Promise<Map<string, VerifierKey[]>> {
  if (given.length === 0) throw usage('Name the logs to witness by their verifier keys: --log.')
  const logs = new Map<string, VerifierKey[]>()
  for (const one of given) {
    const key = readVerifierKey(await keyTextOf(one))
    logs.set(key.name, [...(logs.get(key.name) ?? []), key])
  }
  return logs
}

/** Starts to listen, and returns the URL under which that is. */
async function listen(server: Server, address: string): Promise<string> {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):([0-9]{1,5})$/i.exec(address) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535) {
    throw usage('--listen must be an address and a port, such as 127.0.0.1:8090 or [::1]:8090.')
  }
  server.listen({ host, port: Number(port) })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Exit(EXIT.failed, `It cannot listen on ${address}: ${(error as Error).message}.`)
  }
  const bound = server.address() as AddressInfo
  return `http://${bracketed === undefined ? bound.address : `[${bound.address}]`}:${bound.port}`
}
