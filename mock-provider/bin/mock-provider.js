#!/usr/bin/env node
// The runtime is part of the measurement: whatever node the caller has, the pinned one runs the sources.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const main = new URL('../src/main.ts', import.meta.url)

if (process.versions.node === require('node/package.json').version) {
  await import(main.href)
} else {
  // Detached, so that a terminal's Ctrl-C reaches this process alone and is passed on once; with a channel that closes
  // when this process is gone, however that came about.
  const child = spawn(require.resolve('node/bin/node'), [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
