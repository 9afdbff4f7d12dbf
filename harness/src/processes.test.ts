import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TargetError } from './errors.ts'
import { readProcText } from './process-tree.ts'
import { startCommand, startProgram, type CommandOptions, type ProgramOptions } from './processes.ts'
import { freePort } from './targets/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-processes-'))
after(() => {
  rmSync(folder, { recursive: true })
})

let scripts = 0
function script(source: string): string {
  const path = join(folder, `program-${scripts++}.mjs`)
  writeFileSync(path, source)
  return path
}

const LISTENING = `console.log(JSON.stringify({ event: 'listening', url: 'http://127.0.0.1:1' }))\n`
const STAY = 'setInterval(() => {}, 1e6)\n'

function start(source: string, options: Partial<ProgramOptions> = {}) {
  return startProgram({ name: 'thing', script: script(source), args: [], ...options })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // An orphan that has ended stays in the table, as a zombie, until init gets round to it.
  const stat = readProcText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')')).startsWith(') Z') !== true
}

/** Within a second. */
async function assertEnds(pid: number): Promise<void> {
  for (let i = 0; i < 50 && isAlive(pid); i++) await sleep(20)
  assert.equal(isAlive(pid), false, `process ${pid} still runs`)
}

describe('a program', () => {
  test('is ready when it says where it listens, whatever else it says', async () => {
    const program = await start(
      `console.log('hello'); console.log('{"event":"other"}'); console.log('{');${LISTENING}${STAY}`,
    )
    assert.equal(program.url, 'http://127.0.0.1:1')
    assert.equal(isAlive(program.pid), true)
    await program.stop()
    assert.equal(isAlive(program.pid), false)
  })

  test('gets its arguments, and node its flags', async () => {
    const source = `console.log(JSON.stringify({ event: 'listening', url: [...process.argv.slice(2), process.execArgv.at(-1)].join() }))\n${STAY}`
    const program = await start(source, { args: ['--port', '0'], nodeFlags: ['--no-warnings'] })
    assert.equal(program.url, '--port,0,--no-warnings')
    await program.stop()
  })

  test('that says more than a pipe holds is not blocked by it', async () => {
    const source = `${LISTENING}process.stdout.write('x\\n'.repeat(500_000), () => { console.error('all said'); process.exit(7) })`
    const program = await start(source)
    assert.deepEqual(await program.exited, { code: 7, signal: undefined })
    assert.equal(program.stderrTail(), 'all said')
  })

  test('may end by itself once it is ready, though its parent is watched', async () => {
    const program = await start(`${LISTENING}setTimeout(() => {}, 50)`)
    assert.deepEqual(await program.exited, { code: 0, signal: undefined })
    await program.stop()
  })
})

describe('a program that does not get ready', () => {
  const failing = (source: string, options?: Partial<ProgramOptions>) =>
    start(source, options).then(
      () => assert.fail('it started'),
      (error: unknown) => error,
    )

  test('because it ends gives its code and its last words', async () => {
    const error = await failing(`for (let i = 0; i < 30; i++) console.error('line ' + i); process.exitCode = 5`)
    assert.ok(error instanceof TargetError)
    assert.equal(error.exitCode, 3)
    assert.match(error.message, /^thing: ended with code 5 before it was ready; its last words:\n {2}line 10\n/)
    assert.match(error.message, /line 29$/)
  })

  test('because it is killed says by what', async () => {
    const error = await failing(`process.kill(process.pid, 'SIGKILL');${STAY}`)
    assert.match(String(error), /thing: was ended by SIGKILL before it was ready/)
  })

  test('in time is killed', async () => {
    const error = await failing(`console.error(process.pid);${STAY}`, { readyTimeoutMs: 700 })
    assert.ok(error instanceof TargetError)
    const pid = /did not say within 700 ms that it listens; its last words:\n {2}(\d+)$/.exec(error.message)?.[1]
    assert.ok(pid !== undefined, error.message)
    assert.equal(isAlive(Number(pid)), false)
  })

  test('before the signal aborts is killed, and the reason is passed on', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    assert.equal(await failing(STAY, { signal }), reason)
    const controller = new AbortController()
    setTimeout(() => {
      controller.abort(reason)
    }, 50)
    assert.equal(await failing(STAY, { signal: controller.signal }), reason)
  })
})

describe('stopping', () => {
  test('asks first, and waits for what the program still has to do', async () => {
    const program = await start(
      `process.on('SIGTERM', () => setTimeout(() => process.exit(0), 100));${LISTENING}${STAY}`,
    )
    await Promise.all([program.stop(), program.stop()])
    assert.deepEqual(await program.exited, { code: 0, signal: undefined })
    await program.stop()
  })

  test('kills what does not end after the grace time', async () => {
    const program = await start(`process.on('SIGTERM', () => {});${LISTENING}${STAY}`, { stopGraceMs: 100 })
    await program.stop()
    assert.deepEqual(await program.exited, { code: undefined, signal: 'SIGKILL' })
  })
})

/** A server in a shell beside another program that only SIGKILL ends; both ids stand in the file `pids`. */
function shellServer(pids: string, server = `exec '${process.execPath}' -e "$SERVER"`) {
  return `trap '' TERM; sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 1000; done' & echo $$ >> ${pids}; ${server}`
}

const SERVER = `
  require('node:http').createServer((request, response) => {
    response.writeHead(Number(process.env.STATUS ?? 404)).end()
  }).listen(Number(process.env.PORT), '127.0.0.1')
  process.on('SIGQUIT', () => { console.log('quit'); process.exit(4) })
  process.on('SIGTERM', () => {})
`

let pidFiles = 0
async function shell(change: Partial<CommandOptions> = {}, server?: string) {
  const port = await freePort()
  const pids = join(folder, `pids-${pidFiles++}`)
  const options: CommandOptions = {
    name: 'thing',
    command: 'sh',
    args: ['-c', shellServer(pids, server)],
    url: `http://127.0.0.1:${port}`,
    ready: { path: '/health' },
    readyTimeoutMs: 20_000,
    ...change,
    env: { SERVER, PORT: String(port), ...change.env },
  }
  return { options, pidsOf: () => readFileSync(pids, 'utf8').trim().split('\n').map(Number) }
}

async function failureOf(starting: Promise<{ stop(): Promise<void> }>): Promise<TargetError> {
  const error = await starting.then(
    (program) => program.stop(),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TargetError, String(error))
  return error
}

describe('a command that is not ours', () => {
  test('is ready when it answers, has its own process id, and leaves nothing when it is stopped', async () => {
    const { options, pidsOf } = await shell({
      stopSignal: 'SIGQUIT',
      ready: { path: '/', accept: (status) => status === 503 },
    })
    const program = await startCommand({ ...options, env: { ...options.env, STATUS: '503' } })
    assert.equal(pidsOf().length, 2)
    assert.ok(pidsOf().includes(program.pid))
    assert.ok(program.startedAtMs <= Date.now())
    await Promise.all([program.stop(), program.stop()])
    assert.deepEqual(await program.exited, { code: 4, signal: undefined })
    assert.equal(program.stderrTail(), 'quit')
    for (const pid of pidsOf()) await assertEnds(pid)
  })

  test('is killed with all that it started when it does not end in time', async () => {
    const { options, pidsOf } = await shell({ stopGraceMs: 50 })
    const program = await startCommand(options)
    await program.stop()
    assert.deepEqual(await program.exited, { code: undefined, signal: 'SIGKILL' })
    for (const pid of pidsOf()) await assertEnds(pid)
  })

  test('leaves nothing when it crashes', async () => {
    const { options, pidsOf } = await shell()
    const program = await startCommand(options)
    process.kill(program.pid, 'SIGSEGV')
    assert.deepEqual(await program.exited, { code: undefined, signal: 'SIGSEGV' })
    for (const pid of pidsOf()) await assertEnds(pid)
  })

  test('that never answers acceptably is given up, with its last words of both kinds, and leaves nothing', async () => {
    const { options, pidsOf } = await shell(
      { readyTimeoutMs: 1_000 },
      `echo out; echo err >&2; exec '${process.execPath}' -e "$SERVER"`,
    )
    const error = await failureOf(startCommand({ ...options, env: { ...options.env, STATUS: '503' } }))
    assert.match(error.message, /^thing: did not answer at http:.*\/health within 1000 ms; its last words:\n/)
    assert.match(error.message, /^ {2}out$/m)
    assert.match(error.message, /^ {2}err$/m)
    for (const pid of pidsOf()) await assertEnds(pid)
  })

  test('that ends before it answers gives its code, and leaves nothing', async () => {
    const { options, pidsOf } = await shell({}, 'echo no >&2; sleep 0.1; exit 3')
    const error = await failureOf(startCommand(options))
    assert.match(error.message, /^thing: ended with code 3 before it was ready; its last words:\n {2}no$/)
    for (const pid of pidsOf()) await assertEnds(pid)
  })

  test('that is not there is named', async () => {
    const { options } = await shell({ command: 'no-such-gateway' })
    const { message } = await failureOf(startCommand(options))
    assert.equal(message, 'thing: "no-such-gateway" could not be started (ENOENT)')
    const gone = await shell({ cwd: '/no/such/folder' })
    assert.match((await failureOf(startCommand(gone.options))).message, /^thing: could not be started \(ENOENT\)/)
  })

  test('before the signal aborts is killed, and the reason is passed on', async () => {
    const reason = new Error('enough')
    const { options } = await shell({}, 'sleep 1000')
    const controller = new AbortController()
    setTimeout(() => {
      controller.abort(reason)
    }, 100)
    await assert.rejects(startCommand({ ...options, signal: controller.signal }), reason)
  })
})

/** A bench of its own, that starts a stubborn program by `starting` and prints its id. */
function spawnBench(starting: string, end: string) {
  const source = `
    import { startProgram, startCommand } from ${JSON.stringify(new URL('./processes.ts', import.meta.url).href)}
    const program = await ${starting}
    console.log(program.pid)
    ${end}
  `
  return spawn(process.execPath, [script(source)], { stdio: ['ignore', 'pipe', 'inherit'] })
}

function stubbornProgram(): string {
  const stubborn = script(`process.on('SIGTERM', () => {}); process.on('SIGINT', () => {});${LISTENING}${STAY}`)
  return `startProgram({ name: 'child', script: ${JSON.stringify(stubborn)}, args: [] })`
}

async function childOf(bench: ReturnType<typeof spawnBench>): Promise<number> {
  const [line] = (await once(createInterface({ input: bench.stdout }), 'line')) as [string]
  return Number(line)
}

describe('when bench itself ends, its programs end', () => {
  test('by SIGKILL, which it cannot see coming', async () => {
    const bench = spawnBench(stubbornProgram(), STAY)
    const pid = await childOf(bench)
    assert.equal(isAlive(pid), true)
    bench.kill('SIGKILL')
    await assertEnds(pid)
  })

  test('by an error that nobody caught', async () => {
    const bench = spawnBench(stubbornProgram(), 'setTimeout(() => process.exit(9), 20)')
    const ended = once(bench, 'exit')
    const pid = await childOf(bench)
    await ended
    await assertEnds(pid)
  })

  for (const [how, end, kill] of [
    ['SIGKILL', STAY, true],
    ['exit', 'setTimeout(() => process.exit(9), 20)', false],
  ] as const) {
    test(`by ${how}, those that are not ours with all that they started`, async () => {
      const { options, pidsOf } = await shell()
      const bench = spawnBench(`startCommand(${JSON.stringify(options)})`, end)
      const ended = once(bench, 'exit')
      await childOf(bench)
      if (kill) bench.kill('SIGKILL')
      await ended
      assert.equal(pidsOf().length, 2)
      for (const pid of pidsOf()) await assertEnds(pid)
    })
  }
})
