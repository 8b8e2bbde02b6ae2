// A Fastify route that parses its body and answers with so many bytes that are always the same: what any service built
// on Fastify pays. `node bare-route.ts <port> <bytes>`; ends on SIGTERM.
import fastify from 'fastify'

const [port, bytes] = process.argv.slice(2).map(Number) as [number, number]
const empty = JSON.stringify({ text: '' })
const answer = JSON.stringify({ text: 'x'.repeat(Math.max(0, bytes - empty.length)) })
const app = fastify()
app.post('/validate', async (_request, reply) =>
  reply.type('application/json; charset=utf-8').send(answer),
)
await app.listen({ port, host: '127.0.0.1' })
