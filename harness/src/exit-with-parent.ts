import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'

/**
 * Preloaded into the programs that bench starts (`node --import`), which get a pipe from bench as file descriptor 3.
 * The kernel closes it when bench ends, a SIGKILL included, which no handler in bench could pass on.
 */
// A preload runs in every worker thread as well.
if (isMainThread) {
  // A process that the program forks inherits these options, and has something else as descriptor 3.
  const at = process.execArgv.indexOf(import.meta.url)
  if (at > 0) process.execArgv.splice(at - 1, 2)

  const parent = new Socket({ fd: 3, readable: true, writable: false })
  const leave = () => process.exit(1)
  parent.on('error', leave).on('close', leave).resume()
  // Watching must not keep a program alive that has drained and wants to end.
  parent.unref()
}
