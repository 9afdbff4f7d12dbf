import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { Value } from 'typebox/value'
import { describeEnvironment, ec2InstanceType, fileLimit, looksLikeEc2 } from './environment.ts'
import { ResultSchema } from './recording.ts'

async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}

/** Answers as the instance metadata service does: nothing without a token. */
const metadataService: RequestListener = (request, response) => {
  const { method, url, headers } = request
  if (
    method === 'PUT' &&
    url === '/latest/api/token' &&
    headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
  ) {
    response.end('secret-token')
  } else if (url === '/latest/meta-data/instance-type' && headers['x-aws-ec2-metadata-token'] === 'secret-token') {
    response.end('t3.medium')
  } else {
    response.writeHead(401).end()
  }
}

describe('the instance type', () => {
  test('is asked for with a token', async () => {
    await withServer(metadataService, async (url) => {
      assert.equal(await ec2InstanceType(url), 't3.medium')
      assert.equal((await describeEnvironment({ metadataUrl: url, onEc2: true })).instanceType, 't3.medium')
    })
  })

  test('is not asked for away from EC2', async () => {
    let asked = 0
    const count: RequestListener = (_, response) => {
      asked++
      response.end()
    }
    await withServer(count, async (url) => {
      assert.equal((await describeEnvironment({ metadataUrl: url, onEc2: false })).instanceType, null)
    })
    assert.equal(asked, 0)
  })

  test('is unknown, soon, when the service refuses, is silent, or talks of something else', async () => {
    const page: RequestListener = (_, response) => response.end('<html>a captive portal</html>')
    const refuse: RequestListener = (_, response) => response.writeHead(403).end()
    for (const listener of [page, refuse, () => undefined]) {
      await withServer(listener, async (url) => {
        const startMs = performance.now()
        assert.equal(await ec2InstanceType(url, 100), undefined)
        // The silent one would be waited for without end; the rest is a machine's stall.
        assert.ok(performance.now() - startMs < 5_000)
      })
    }
  })
})

describe('EC2 is recognised', () => {
  const machine = (files: Record<string, string>) => (path: string) => files[path]
  const linux = { skip: process.platform !== 'linux' && 'only Linux says' }

  test('by the maker in the firmware, or by the UUID of older instances', linux, () => {
    assert.equal(looksLikeEc2(machine({ '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n' })), true)
    assert.equal(looksLikeEc2(machine({ '/sys/class/dmi/id/board_vendor': 'Amazon EC2\n' })), true)
    assert.equal(looksLikeEc2(machine({ '/sys/hypervisor/uuid': 'ec2e1916-9099\n' })), true)
  })

  test('and nothing else is', () => {
    assert.equal(looksLikeEc2(machine({})), false)
    assert.equal(
      looksLikeEc2(machine({ '/sys/class/dmi/id/sys_vendor': 'QEMU\n', '/sys/hypervisor/uuid': 'aaec2' })),
      false,
    )
  })
})

test('the description is of the form that result.json wants, and does not name the host', async () => {
  const environment = await describeEnvironment({ onEc2: false })
  assert.deepEqual(Value.Errors(ResultSchema.properties.environment, environment), [])
  assert.equal(environment.node, process.versions.node)
  assert.equal(environment.files, fileLimit())
  assert.ok(environment.files >= 256)
  assert.ok(environment.memoryMiB > 100)
  assert.match(environment.gitCommit ?? 'none', /^([0-9a-f]{12}(-dirty)?|none)$/)
  assert.equal('hostname' in environment, false)
})
