import { isMainThread } from 'node:worker_threads'

/**
 * Preloaded into the programs that bench starts (`node --import`). Their stdin is a pipe from bench, and the kernel
 * closes it when bench ends, a SIGKILL included, which no handler in bench could pass on.
 */
// A preload runs in every worker thread as well, where stdin is not the pipe.
if (isMainThread) {
  const { stdin } = process
  const leave = () => process.exit(1)
  stdin.on('end', leave)
  stdin.on('error', leave)
  stdin.resume()
  // Watching must not keep a program alive that has drained and wants to end.
  if ('unref' in stdin) stdin.unref()
}
