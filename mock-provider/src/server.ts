import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { addAdminRoutes } from './admin-routes.ts'
import { Answers } from './answers.ts'
import { systemClock, type Clock } from './clock.ts'
import type { WrittenConfig } from './config.ts'
import { Control } from './control.ts'
import { Doors } from './doors.ts'
import type { ReceivedBody } from './endpoint.ts'
import { KeyLabels } from './key-labels.ts'
import type { Peers } from './peers.ts'
import { seededRandom, seedOfProcess } from './random.ts'
import { addRoutes } from './routes.ts'
import { Tally } from './tally.ts'
import { parseFields } from './wire/request-fields.ts'

/** The mock, listening or about to. */
export interface MockServer {
  app: FastifyInstance
  control: Control
  tally: Tally
  /** Listens where the config says; yields the base URL with the port that it got. Starts the scenario. */
  listen(): Promise<string>
  /** Answers that wait for their time, streams under way included. */
  waiting(): number
  /** Requests that a fault keeps without an answer. */
  hanging(): number
  /** Stops accepting, drops what hangs, gives every waiting answer at its time, then closes all connections. */
  close(): Promise<void>
}

/** What else a server may be given; each has its default for one process by itself. */
export interface MockServerOptions {
  clock?: Clock
  /** CLOCK_MONOTONIC, for the stamps of chunks. */
  monotonicNs?: () => bigint
  /** Where it listens, when that is not as the config says. */
  port?: number
  /** Which of several processes this is. */
  worker?: WorkerPlace
  /** All processes that answer as this one does, itself included; who decides for them runs the scenario, too. */
  peers?: Peers
}

/** One of several processes. */
export interface WorkerPlace {
  /** From 0. */
  index: number
  count: number
  /** How many processes were in its place before, and died. */
  predecessors: number
}

const BACKLOG = 65_535
/** So many ids a process gives before it comes to those of the process that replaces it: 11 days at 10,000 a second. */
const IDS_OF_A_PROCESS = 1e10
// Apart from what is drawn for answers.
const DOOR_SEED_OFFSET = 0x3fff_ffff

/** @throws {MockUsageError} with everything that is wrong with the config */
export function createMockServer(
  written: WrittenConfig,
  {
    clock = systemClock,
    monotonicNs = () => process.hrtime.bigint(),
    port: decidedPort,
    worker: { index, count, predecessors } = { index: 0, count: 1, predecessors: 0 },
    peers,
  }: MockServerOptions = {},
): MockServer {
  const processNumber = index + count * predecessors
  const onChange = (): void => {
    doors.follow()
  }
  const control = new Control(written, clock, onChange, processNumber)
  const { config } = control.running
  const { host, bodyLimit } = config
  const tally: Tally = new Tally({ waiting: () => answers.waiting, hanging: () => answers.hanging })
  const sequences = { first: index + 1 + predecessors * count * IDS_OF_A_PROCESS, step: count }
  const answers: Answers = new Answers({ clock, monotonicNs, counter: tally, sequences })
  const sockets = new Set<Socket>()

  const app = Fastify({ logger: false, bodyLimit })
  const doorSeed = seedOfProcess((config.seed + DOOR_SEED_OFFSET) >>> 0, processNumber)
  const doors = new Doors(app.server, seededRandom(doorSeed), () => control.running.config)
  // Connections opened ahead of a load test may idle for long, before their first request as well as between two: node
  // would answer the former with 408 after 60 s and close the latter, at the price of arming a timer for each answer.
  // Set here, because Fastify takes a 0 among its options for "the default".
  Object.assign(app.server, { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 })
  app.server.on('connection', (socket) => {
    if (!doors.letsIn(socket)) return
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      answers.connectionClosed(socket)
    })
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const receivedNs = clock()
    try {
      done(null, { fields: parseFields(body), bodyChars: body.length, receivedNs } satisfies ReceivedBody)
    } catch (error) {
      done(error as Error)
    }
  })
  const alone: Peers = {
    change: (patch) => {
      control.change(patch)
      return Promise.resolve()
    },
    metrics: () => tally.registry.metrics(),
    strictReport: () => Promise.resolve(control.running.strict?.tally.report()),
  }
  const all = peers ?? alone
  addRoutes(app, { control, answers, tally, labels: new KeyLabels() })
  addAdminRoutes(app, control, all)
  app.get('/metrics', async (_request, reply) => reply.type(tally.registry.contentType).send(await all.metrics()))
  app.get('/health', () => ({ status: 'ok', waiting: answers.waiting }))

  return {
    app,
    control,
    tally,
    waiting: () => answers.waiting,
    hanging: () => answers.hanging,
    async listen() {
      // By this name Fastify listens on each of its addresses, all but one by servers whose connections nobody here sees.
      const address = host === 'localhost' ? '127.0.0.1' : host
      const url = await app.listen({ port: decidedPort ?? config.port, host: address, backlog: BACKLOG })
      const { port } = app.server.address() as AddressInfo
      doors.opened({ host: address, port, backlog: BACKLOG })
      if (!peers) control.startScenario()
      return url
    },
    async close() {
      control.stopScenario()
      doors.stopFollowing()
      const closed = app.close()
      await answers.drain()
      // The answers may still be on their way into the sockets: each closes once it has taken what was written.
      for (const socket of sockets) socket.destroySoon()
      await closed
    },
  }
}
