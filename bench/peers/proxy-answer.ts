// An upstream that costs little, where there is no nginx: `node proxy-answer.ts <port>`; ends on SIGTERM.
import { createServer } from 'node:http'

const answer = '{"status":"ok"}'
const headers = { 'content-type': 'application/json', 'content-length': answer.length }
createServer((_request, response) => response.writeHead(200, headers).end(answer)).listen(
  Number(process.argv[2]),
  '127.0.0.1',
)
