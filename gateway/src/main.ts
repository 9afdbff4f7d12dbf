import { ConfigError } from './config.ts'
import { loadConfig, problemText } from './program/config-source.ts'
import { EXIT, ProgramError } from './program/exit-codes.ts'
import { type Flags, parseFlags } from './program/flags.ts'
import { say, warn } from './program/output.ts'
import { runSingle } from './program/single.ts'
import { runPrimary } from './workers/primary.ts'

async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(argv)
  if (typeof flags === 'number') {
    process.exitCode = flags
    return
  }
  try {
    await run(flags)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ProgramError)) throw error
    say(error instanceof ConfigError ? problemText(flags.config, error) : error.message)
    process.exit(error instanceof ConfigError ? EXIT.usage : error.exitCode)
  }
}

async function run(flags: Flags): Promise<void> {
  const loaded = loadConfig(flags.config, flags.overrides)
  for (const warning of loaded.warnings) warn(`${flags.config}: ${warning}`)
  if (flags.check) process.stdout.write('ok\n')
  else if (flags.workers === 1) await runSingle(flags, loaded)
  else await runPrimary(flags, loaded)
}

await main(process.argv.slice(2))
