import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What the tests share that run the mock as the program that it is. */

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

export interface Program {
  child: ChildProcess
  stdout: () => string
  stderr: () => string
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/**
 * Runs the mock; it is gone after the test.
 * @param start what is run, and by which node. @default the program itself, by the node that runs the test
 */
export function run(
  context: Pick<TestContext, 'after'>,
  args: readonly string[],
  {
    node = process.execPath,
    nodeFlags = [],
    script = MAIN,
  }: { node?: string; nodeFlags?: string[]; script?: string } = {},
): Program {
  const child = spawn(node, [...nodeFlags, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  context.after(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const exited = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  return { child, stdout: () => stdout, stderr: () => stderr, exited }
}

/** Where the program listens, once it has said so. */
export async function listening({ child, stdout, stderr }: Program): Promise<string> {
  await eventually(() => {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${stderr()}`)
    return stdout().includes('\n')
  })
  const [line = ''] = stdout().split('\n')
  const { event, url } = JSON.parse(line) as { event: string; url: string }
  if (event !== 'listening') throw new Error(`expected a line that says where it listens, got ${line}`)
  return url
}

/** Comes back when the condition holds; until when it may take, the test's own timeout says. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5)
}

/** The processes that one started, and that run. Linux alone. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').trim().split(' '))
    .filter((child) => child !== '')
    .map(Number)
    .filter(isRunning)
}

/** What a process started, and what that started, for as long as it runs. Linux alone. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

/** Whether a process runs; one that has ended, and whose end nobody has looked at, does not. Linux alone. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** One connection, for as long as both ends keep it: all that is asked on it, one process answers. */
export class Connection {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(url: string) {
    this.#url = url
  }

  close(): void {
    this.#agent.destroy()
  }

  /** @param body undefined for a GET */
  async ask(path: string, body?: unknown, headers: Record<string, string> = {}) {
    const method = body === undefined ? 'GET' : 'POST'
    const asked = request(new URL(path, this.#url), {
      ...{ method, agent: this.#agent },
      headers: { 'content-type': 'application/json', ...headers },
    })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode, text: await text(response) }
  }

  /** The id of a chat completion. */
  async chat(headers: Record<string, string> = {}): Promise<AnswerId> {
    const answer = await this.ask(
      '/v1/chat/completions',
      { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
      headers,
    )
    const { id } = JSON.parse(answer.text) as { id?: string }
    const [, sequence, plannedUs] = /^chatcmpl-(\d+)-(\d+)-\d+$/.exec(id ?? '') ?? []
    if (sequence === undefined) throw new Error(`expected a chat completion, got ${answer.text}`)
    return { sequence: Number(sequence), plannedUs: Number(plannedUs) }
  }
}

/** What an answer's id says. */
export interface AnswerId {
  sequence: number
  plannedUs: number
}

/** A connection to each of `count` workers, in the order of their places. */
export async function connectionToEach(url: string, count: number): Promise<Connection[]> {
  const found = new Map<number, Connection>()
  while (found.size < count) {
    const connection = new Connection(url)
    const place = ((await connection.chat()).sequence - 1) % count
    if (found.has(place)) connection.close()
    else found.set(place, connection)
  }
  return Array.from({ length: count }, (_, place) => found.get(place)!)
}

/** What becomes of a new caller now. */
export async function newCaller(url: string): Promise<'served' | 'refused' | 'other'> {
  const caller = new Connection(url)
  // One that was just being dealt to a worker as that closed, nobody answers.
  const asked = caller.ask('/health').catch((error: unknown) => error as NodeJS.ErrnoException)
  const answer = await Promise.race([asked, sleep(1_000, new Error('nobody answers'))])
  caller.close()
  if (!(answer instanceof Error)) return 'served'
  return 'code' in answer && answer.code === 'ECONNREFUSED' ? 'refused' : 'other'
}

/** Answers that wait for their time, one on each connection, and no others do. */
export async function oneWaitingAtEach(url: string, connections: readonly Connection[]): Promise<Promise<AnswerId>[]> {
  const other = new Connection(url)
  for (;;) {
    const answers = connections.map((connection) => connection.chat())
    // On a slow machine they may be answered before anybody has looked: so once more.
    const isLate = Promise.all(answers).then(() => true)
    do {
      const { text } = await other.ask('/metrics')
      if (!text.includes(`\nmock_in_flight ${connections.length}\n`)) continue
      other.close()
      // What becomes of them is for the test alone.
      isLate.catch(() => undefined)
      return answers
    } while (!(await Promise.race([isLate, sleep(5, false)])))
  }
}
