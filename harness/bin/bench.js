#!/usr/bin/env node
// The runtime is part of the measurement: whatever node the caller has, the pinned one runs the sources.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const cli = new URL('../src/cli.ts', import.meta.url)

if (process.versions.node === require('node/package.json').version) {
  await import(cli.href)
} else {
  // Detached, so that a terminal's Ctrl-C reaches this process alone and is passed on once; with a pipe that closes when
  // this process is gone, however that came about.
  const watch = new URL('../src/exit-with-parent.ts', import.meta.url).href
  const args = ['--import', watch, fileURLToPath(cli), ...process.argv.slice(2)]
  const child = spawn(require.resolve('node/bin/node'), args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    detached: true,
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
