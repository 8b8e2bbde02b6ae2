// The least that a verifier of an export could do: parses each line and hashes it, and compares nothing.
// `node parse-and-hash.ts <file>`.
import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'

let rest = Buffer.alloc(0)
let lines = 0
for await (const chunk of createReadStream(process.argv[2] ?? '', { highWaterMark: 1_048_576 })) {
  const bytes = Buffer.concat([rest, chunk as Buffer])
  let from = 0
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, from)) {
    const line = bytes.toString('utf8', from, end)
    JSON.parse(line)
    hash('sha256', line, 'buffer')
    lines++
    from = end + 1
  }
  rest = bytes.subarray(from)
}
if (lines === 0) throw new Error('there was no line to hash')
