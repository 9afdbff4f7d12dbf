import { CommanderError } from 'commander'
import type { CommandIo } from './commands/io.ts'
import { CALIBRATE, COMPARE } from './compare/config.ts'
import { parseFlags, RUN } from './config.ts'
import { InterruptedError, TargetError, UsageError } from './errors.ts'
import { createProgram } from './program.ts'

/** The only place that prints errors and sets exit codes. Commands are loaded when called, so that --help is fast. */

const EXIT_USAGE = 2
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const argv = process.argv.slice(2)

const program = createProgram({
  run: async (flags, words) => {
    const config = parseFlags(RUN, flags, words)
    const { runCommand } = await import('./commands/run.ts')
    const { exitCode } = await interruptible((signal) => runCommand(config, commandIo(signal)))
    process.exitCode = exitCode
  },
  compare: async (flags, words) => {
    const config = parseFlags(COMPARE, flags, words)
    const { compareCommand } = await import('./commands/compare.ts')
    const { exitCode } = await interruptible((signal) => compareCommand(config, commandIo(signal)))
    process.exitCode = exitCode
  },
  calibrate: async (flags, words) => {
    const config = parseFlags(CALIBRATE, flags, words)
    const { calibrateCommand } = await import('./commands/calibrate.ts')
    const { exitCode } = await interruptible((signal) => calibrateCommand(config, commandIo(signal)))
    process.exitCode = exitCode
  },
  verify: async (claims, { out = 'results', allowLoaded = false, json = false }) => {
    const { verifyCommand } = await import('./commands/verify.ts')
    const options = { claims, out, allowLoaded, json }
    const { exitCode } = await interruptible((signal) => verifyCommand(options, commandIo(signal)))
    process.exitCode = exitCode
  },
  report: async (runs, { published = false, out }) => {
    if (runs.length === 0) throw new UsageError(['report: name at least one run folder, such as results/<run>'])
    const { runReportCommand } = await import('./commands/report.ts')
    await runReportCommand({ runs, published, ...(out !== undefined && { out }) }, { stdout: printOut })
  },
  diff: async (sides, { max = [], allowInvalid = false, json = false, out }) => {
    const [base, now] = sides
    if (base === undefined || now === undefined || sides.length > 2) {
      throw new UsageError([
        `diff: name two sides, BASE and NEW, got ${sides.length}; several runs of a side are A1,A2,A3`,
      ])
    }
    const { diffCommand } = await import('./commands/diff.ts')
    const options = { base, now, max, allowInvalid, json, ...(out !== undefined && { out }) }
    const { exitCode } = await diffCommand(options, { stdout: printOut })
    process.exitCode = exitCode
  },
  targets: async ({ install, json = false }) => {
    const { targetsCommand } = await import('./commands/targets.ts')
    const options = { json, install: install?.split(',').map((name) => name.trim()) ?? [] }
    await interruptible((signal) => targetsCommand(options, commandIo(signal)))
  },
  doctor: async ({ json = false }) => {
    const { doctorCommand } = await import('./commands/doctor.ts')
    const { exitCode } = await interruptible((signal) => doctorCommand({ json }, commandIo(signal)))
    process.exitCode = exitCode
  },
  gateway: async (args) => {
    const { gatewayCommand } = await import('./commands/gateway.ts')
    process.exitCode = await gatewayCommand(args)
  },
  mock: async (args) => {
    const { mockCommand } = await import('./commands/mock.ts')
    process.exitCode = await mockCommand(args)
  },
})

try {
  await program.parseAsync(argv, { from: 'user' })
} catch (error) {
  process.exitCode = report(error)
}

/**
 * The first signal asks the command to end; the second ends everything at once. The handlers stay: between the end of the
 * command and that of the process a second Ctrl-C would otherwise kill without the exit code and the exit hook.
 */
async function interruptible<T>(command: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const onSignal = () => {
    // Children of ours are killed by their own exit hook.
    if (controller.signal.aborted) process.exit(new InterruptedError().exitCode)
    controller.abort(new InterruptedError())
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await command(controller.signal)
  } catch (error) {
    // Node's own functions reject with an AbortError of theirs, whatever the signal's reason.
    if (error instanceof Error && error.name === 'AbortError' && controller.signal.aborted) throw new InterruptedError()
    throw error
  }
}

function commandIo(signal: AbortSignal): CommandIo {
  // NO_COLOR counts when it is set and not empty: https://no-color.org
  const noColor = (process.env.NO_COLOR ?? '') !== ''
  return {
    stdout: printOut,
    stderr: printErr,
    color: process.stdout.isTTY && !noColor,
    isTTY: process.stderr.isTTY,
    signal,
    command: argv,
  }
}

function report(error: unknown): number {
  // Help and version end commander by an error of code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof UsageError) {
    const count = error.problems.length
    printErr(`bench: ${count} ${count === 1 ? 'problem' : 'problems'}\n`)
    for (const problem of error.problems) printErr(`  ${problem}\n`)
    return error.exitCode
  }
  if (error instanceof TargetError) {
    printErr(`bench: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof InterruptedError) return error.exitCode
  // Not foreseen, so a defect of ours: its stack is what a report of it needs.
  printErr(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

function printOut(text: string): void {
  process.stdout.write(text)
}

function printErr(text: string): void {
  process.stderr.write(text)
}
