import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMock } from '../lib/programs.ts'
import { PREAMBLE, SHOWN_PORT, type Capability } from './row.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TIMEOUT_MS = 20_000
/** Of what a command printed, in the table. */
const MOST_SHOWN_CHARS = 220

/** What a command printed, as one line. */
export async function run(capability: Capability): Promise<string> {
  const mock = await startMock(capability.flags)
  try {
    const { port } = new URL(mock.url)
    const script = PREAMBLE.replace(String(SHOWN_PORT), port) + capability.command
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: ROOT, timeout: TIMEOUT_MS }).catch(
      // Many exit codes are what the row is about: curl's when a connection breaks. What was printed decides.
      (error: unknown) => error as { stdout: string },
    )
    const lines = stdout.split('\n').map((line) => line.trim())
    const printed = lines.filter((line) => line !== '').join(' / ')
    return printed.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(SHOWN_PORT))
  } finally {
    await mock.stop()
  }
}

/** The row as markdown. @param printed by its command */
export function markdownRow(capability: Capability, printed: string): string {
  const { row, name, command } = capability
  const shown = printed.length > MOST_SHOWN_CHARS ? `${printed.slice(0, MOST_SHOWN_CHARS)}…` : printed
  return `| ${row}. ${name} | ${code(mockLine(capability))}<br>${code(command)} | ${code(shown)} |`
}

function mockLine({ flags }: Capability): string {
  return ['npx bench mock --port', SHOWN_PORT, ...flags.map(quoted), '&'].join(' ')
}

function quoted(word: string): string {
  return /^[\w%.,:=-]+$/.test(word) ? word : `'${word}'`
}

/** GitHub takes "|" for the end of a cell even inside of code, and shows "\|" as "|". */
function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}
