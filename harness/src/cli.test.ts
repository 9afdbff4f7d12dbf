import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FLAGS } from './flags.ts'

const BENCH = fileURLToPath(new URL('../bin/bench.js', import.meta.url))

function spawnBench(args: string[]) {
  return spawn(process.execPath, [BENCH, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function bench(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawnBench(args)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

describe('wrong flags', () => {
  test('are reported all together, on stderr, with code 2', async () => {
    const { code, stdout, stderr } = await bench('--rate', '-5', '--latency', 'fast', '--rat', '5', '--duration')
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      'bench: 4 problems',
      '  --rat: unknown flag; did you mean --rate?',
      '  --rate: must be above 0, got -5',
      '  --latency: "fast" is not a duration; write 1500, 1500ms or 1.5s',
      '  --duration: needs a value, such as 60',
    ])
  })

  test('are the same with and without "run"', async () => {
    const [bare, named] = await Promise.all([bench('--rate', '0'), bench('run', '--rate', '0')])
    assert.deepEqual(bare, named)
    assert.equal(bare.stderr, 'bench: 1 problem\n  --rate: must be above 0, got 0\n')
  })

  test('of other commands have code 2, too', async () => {
    const { code, stderr } = await bench('doctor', '--jsn')
    assert.equal(code, 2)
    assert.match(stderr, /^bench: unknown option '--jsn'/)
  })
})

test('a profile that is unknown lists the known ones', async () => {
  const { code, stderr } = await bench('--profile', 'm5.large')
  assert.equal(code, 2)
  assert.match(stderr, /--profile: "m5.large" is not a known profile; write t3.medium or t3.xlarge/)
})

test('more connections than there are files are refused before anything starts, with the way to get them', async () => {
  const { code, stderr } = await bench('--rate', '1000000', '--latency', '10s', '--warmup', '10s')
  assert.equal(code, 2)
  assert.match(stderr, /the gateway needs 20400330, one process may open \d+\. Raise it with "ulimit -n 20400330"/)
})

describe('help', () => {
  test('of bench has every command, every flag with its default, and examples', async () => {
    const { code, stdout, stderr } = await bench('--help')
    assert.equal(code, 0)
    assert.equal(stderr, '')
    for (const flag of FLAGS) assert.match(stdout, new RegExp(`^ +--${flag.name} `, 'm'))
    for (const command of ['run', 'report', 'doctor', 'gateway', 'mock']) {
      assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'))
    }
    assert.match(stdout, /\(default: 5000\)/)
    assert.match(stdout, /Examples:\n {2}bench --rate 5000 --duration 60/)
  })

  test('of each command has examples, and the flags of the mock are its own', async () => {
    for (const command of ['run', 'report', 'doctor']) {
      const { code, stdout } = await bench(command, '--help')
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`Usage: bench ${command}`))
      assert.match(stdout, /Examples:\n/)
    }
    assert.match((await bench('mock', '--help')).stdout, /--latency/)
  })
})

test('the version is that of the package', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  assert.equal((await bench('--version')).stdout, `${manifest.version}\n`)
})

describe('bench report', () => {
  test('of a folder that is missing names it, with code 2', async () => {
    const { code, stderr } = await bench('report', 'results/nowhere')
    assert.equal(code, 2)
    assert.match(stderr, /results\/nowhere/)
  })

  test('of nothing asks for a run', async () => {
    const { code, stderr } = await bench('report')
    assert.equal(code, 2)
    assert.match(stderr, /name at least one run folder/)
  })
})

describe('bench mock', () => {
  test('on a port that is taken says so, with code 3', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await bench('mock', '--port', String(port))
    server.close()
    await once(server, 'close')
    assert.equal(code, 3)
    assert.match(stderr, new RegExp(String(port)))
  })

  test('serves until a signal, passes the signal on, and hands back the code', async () => {
    const child = spawnBench(['mock', '--port', '0', '--latency', '0'])
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { url } = JSON.parse(line) as { url: string }
    assert.equal((await fetch(`${url}/health`)).status, 200)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
    await assert.rejects(fetch(`${url}/health`))
  })
})

test('a mock that bench serves is gone soon after bench was killed', async () => {
  const child = spawnBench(['mock', '--port', '0', '--latency', '0'])
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url } = JSON.parse(line) as { url: string }
  child.kill('SIGKILL')
  const isUp = () =>
    fetch(`${url}/health`).then(
      () => true,
      () => false,
    )
  let up = true
  for (let i = 0; i < 50 && up; i++) {
    await sleep(20)
    up = await isUp()
  }
  assert.equal(up, false)
})

test('bench doctor ends at once on Ctrl-C, with code 130', async () => {
  const child = spawnBench(['doctor'])
  const stderr = text(child.stderr)
  // Once the handlers are there; the watch of the machine takes two seconds.
  setTimeout(() => child.kill('SIGINT'), 1_000)
  assert.deepEqual(await once(child, 'exit'), [130, null])
  assert.equal(await stderr, '')
})
