import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { TargetError, UsageError } from '../errors.ts'
import { parseTarget } from './address.ts'
import { findTarget } from './find.ts'
import { fillIn } from './placeholders.ts'
import { GATEWAY_FOLDER_PREFIX } from './start-gateway.ts'
import { targetFromFile } from './target-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-target-file-'))
after(() => {
  rmSync(folder, { recursive: true })
})

let written = 0
function file(content: unknown): string {
  const path = join(folder, `${written++}.json`)
  writeFileSync(path, JSON.stringify(content))
  return path
}

const MINIMAL = { name: 'mine', start: ['node', 'x'], ready: { path: '/' } }

// Serves what it was told: its configuration, its arguments, its environment.
const SERVER = `
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
const [, , port, config] = process.argv
createServer((request, response) => {
  response.statusCode = request.url === '/ready' ? 204 : 200
  response.end(response.statusCode === 204 ? '' : JSON.stringify({ url: request.url, config: readFileSync(config, 'utf8'), key: process.env.KEY }))
}).listen(Number(port), '127.0.0.1')
`

const context = { config: parseRunConfig({}), mockUrl: 'http://127.0.0.1:9', connections: 321 }

test('a target file is installed, started, recognised as ready, addressed and stopped as it says', async () => {
  writeFileSync(join(folder, 'server.mjs'), SERVER)
  const path = file({
    name: 'mine',
    title: 'my own',
    install: [['npm', 'install', './here']],
    version: { command: [process.execPath, '--version'], pattern: 'v(\\d+)\\.' },
    files: { 'a.yaml': 'mock: ${mockUrl}\nmax: ${connections}\nms: ${timeoutMs}\nmodel: ${model}\nkeep: $${X}' },
    start: [process.execPath, './server.mjs', '${port}', '${folder}/a.yaml'],
    env: { KEY: 'at ${mockUrl}' },
    ready: { path: '/ready', status: [204] },
    readyTimeout: '30s',
    path: '/llm',
    model: 'gpt',
    headers: { 'x-upstream': '${mockUrl}/v1' },
    settings: ['as it comes'],
    selfReports: [{ kind: 'header', header: 'x-ms', unit: 'ms', claims: 'its time' }],
  })
  const target = await findTarget(path)
  assert.deepEqual(
    [target.name, target.title, target.model, target.settings],
    ['mine', 'my own', 'gpt', ['as it comes']],
  )
  assert.deepEqual(target.install, [['npm', 'install', join(folder, 'here')]])
  assert.deepEqual(await target.find(), { installed: true, version: process.versions.node.split('.')[0] })

  const running = await target.start(context)
  try {
    assert.match(running.url, /^http:\/\/127\.0\.0\.1:\d+\/llm$/)
    assert.deepEqual(running.headers, { 'x-upstream': 'http://127.0.0.1:9/v1' })
    assert.deepEqual(await (await fetch(`${running.url}/v1`)).json(), {
      url: '/llm/v1',
      config: 'mock: http://127.0.0.1:9\nmax: 321\nms: 30000\nmodel: openai/gpt-4o-mini\nkeep: ${X}',
      key: 'at http://127.0.0.1:9',
    })
  } finally {
    await running.stop()
  }
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith(GATEWAY_FOLDER_PREFIX)),
    [],
  )
})

test('one that is not installed says so, with the commands of its file', async () => {
  const install = [
    ['pip', 'install', 'x==1'],
    ['y', 'a b'],
  ]
  const missing = targetFromFile(file({ ...MINIMAL, start: ['no-such-gateway'], install }))
  assert.deepEqual(await missing.find(), {
    installed: false,
    reason: '"no-such-gateway" is not on the path',
    install: "pip install x==1 && y 'a b'",
  })
  const silent = targetFromFile(file({ ...MINIMAL, version: { command: ['no-such-gateway', '-v'] } }))
  assert.deepEqual(await silent.find(), {
    installed: false,
    reason: '"no-such-gateway -v" is not on the path',
    install: 'its file does not say how',
  })
  await assert.rejects(missing.start(context), (error: unknown) => {
    assert.ok(error instanceof TargetError)
    assert.match(error.message, /^mine: "no-such-gateway" could not be started \(ENOENT\)/)
    return true
  })
})

describe('a target file with problems names all of them', () => {
  const problemsOf = (content: unknown) => {
    const path = file(content)
    try {
      targetFromFile(path)
    } catch (error) {
      assert.ok(error instanceof UsageError)
      const parsed = parseTarget(path)
      assert.ok('problem' in parsed)
      return error.problems.map((problem) => problem.replace(`${path}: `, ''))
    }
    return []
  }

  test('of its form', () => {
    const problems = problemsOf({ name: 'A b', start: [], readyy: {}, path: 'llm/', stopSignal: 'SIGKILL' })
    for (const [at, value] of [
      ['/name', '"A b"'],
      ['/start', '[]'],
      ['/path', '"llm/"'],
      ['/stopSignal', '"SIGKILL"'],
      ['/readyy', ''],
      ['/ready ', ''],
    ] as const) {
      assert.ok(
        problems.some((problem) => problem.startsWith(at) && problem.includes(value)),
        `${at} in ${problems.join('\n')}`,
      )
    }
  })

  test('of its values, placeholders that nobody fills in among them', () => {
    const problems = problemsOf({
      ...MINIMAL,
      readyTimeout: 'soon',
      version: { command: ['x'], pattern: '(' },
      start: ['x', '${prt}'],
      files: { 'a.yaml': '${HOME} $${HOME}' },
    })
    assert.equal(problems.length, 4)
    assert.match(problems[0] ?? '', /^\/readyTimeout "soon" is not a duration/)
    assert.match(problems[1] ?? '', /^\/version\/pattern Invalid regular expression/)
    assert.match(problems[2] ?? '', /^\/files\/a.yaml \$\{HOME\} is not known; write one of mockUrl, port/)
    assert.match(problems[3] ?? '', /^\/start\/1 \$\{prt\} is not known; did you mean port\?/)
  })

  test('or that it is not JSON', () => {
    const path = join(folder, 'broken.json')
    writeFileSync(path, '{')
    assert.throws(() => targetFromFile(path), /broken\.json: cannot be read as JSON/)
  })

  test('and one without has none', () => {
    assert.deepEqual(problemsOf(MINIMAL), [])
  })
})

test('placeholders are filled in once: what a value holds stays', () => {
  const values = { mockUrl: '${port}', port: 8080, connections: 1, timeoutMs: 0, model: 'm$&', folder: '/f' }
  assert.equal(fillIn('${mockUrl}:${port} ${model} $${port} $ {port}', values), '${port}:8080 m$& ${port} $ {port}')
})
