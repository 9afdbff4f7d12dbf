import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

import { CHAT, eventually as eventuallyWithin } from '../http/test-support.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')
/** Other tests run at the same time: what a process does may take this long. */
const PATIENCE_MS = 30_000

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gateway-main-'))
  t.after(() => {
    rmSync(path, { recursive: true })
  })
  return path
}

export function configFile(t: TestContext, content: unknown): string {
  const file = join(folder(t), 'config.json')
  rewrite(file, content)
  return file
}

export function rewrite(file: string, content: unknown): void {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
}

/** The program as a process; killed after the test. */
export class Program {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  readonly stdout: Promise<string>
  /** Whole, when it has ended. */
  readonly stderr: Promise<string>
  /** So far. */
  said = ''
  url = ''

  constructor(t: TestContext, flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [MAIN, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    t.after(() => {
      child.kill('SIGKILL')
    })
    this.child = child
    this.exited = once(child, 'exit').then(([code]) => code as number | null)
    this.stdout = text(child.stdout)
    this.stderr = text(child.stderr)
    child.stderr.on('data', (chunk: Buffer) => {
      this.said += chunk.toString()
    })
  }

  /** Waits for the one line on stdout. */
  async listening(): Promise<this> {
    const line = await Promise.race([
      once(this.child.stdout!, 'data').then(([chunk]) => (chunk as Buffer).toString()),
      this.stderr.then((stderr) => assert.fail(`it ended: ${stderr}`)),
    ])
    const announced = JSON.parse(line) as { event: string; url: string }
    assert.equal(line, `${JSON.stringify({ event: 'listening', url: announced.url })}\n`)
    this.url = announced.url
    return this
  }

  async hasSaid(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said)) {
      await Promise.race([
        once(this.child.stderr!, 'data'),
        this.exited.then((code) => assert.fail(`it ended with ${code ?? 'a signal'} and said ${this.said}`)),
      ])
    }
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text()
  }

  /** Process ids of its workers, rising. */
  workerPids(): number[] {
    const { pid } = this.child
    return readFileSync(`/proc/${pid!}/task/${pid!}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((text) => text !== '')
      .map(Number)
  }
}

export function running(t: TestContext, ...flags: string[]): Promise<Program> {
  return new Program(t, flags).listening()
}

export interface Answer {
  status: number
  connection: string | undefined
  body: string
}

/** One chat completion, on a connection of its own without an agent. */
export function chat(url: string, agent: Agent | false = false, model = CHAT.model): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/chat/completions`, { method: 'POST', agent }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode!, connection: response.headers.connection, body })
      }, reject)
    })
    sent.once('error', reject)
    sent.end(JSON.stringify({ ...CHAT, model }))
  })
}

/** Waits until `check` stops throwing, as long as a process may need. */
export function eventually(check: () => unknown): Promise<void> {
  return eventuallyWithin(check, PATIENCE_MS)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
