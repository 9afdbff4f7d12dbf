import { Chalk } from 'chalk'
import { DEFAULTS } from '../config.ts'
import { judgeMachine, type Finding } from '../fitness.ts'
import { measureMachine } from '../machine-facts.ts'
import type { CommandIo } from './io.ts'

/** `bench doctor`: is this machine fit for the main job. Code 1 when something makes a run fail. */
export async function doctorCommand(
  options: { json: boolean },
  io: Pick<CommandIo, 'stdout' | 'color' | 'signal'>,
): Promise<{ exitCode: 0 | 1 }> {
  const facts = await measureMachine(io.signal)
  const findings = judgeMachine(facts, DEFAULTS)
  io.stdout(options.json ? `${JSON.stringify({ findings, facts }, null, 2)}\n` : renderFindings(findings, io.color))
  return { exitCode: findings.some((finding) => finding.status === 'fail') ? 1 : 0 }
}

/** One line a finding, with what would be right; what is wrong also says how to get there. */
export function renderFindings(findings: readonly Finding[], color: boolean): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const mark = { ok: paint.green('ok  '), warn: paint.yellow('warn'), fail: paint.red('FAIL') }
  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.map(({ status, name, value, want, fix }) => {
    const line = `${mark[status]}  ${name.padEnd(width)}  ${value}  ${paint.dim(`(right: ${want})`)}`
    return fix === undefined ? line : `${line}\n      fix: ${fix}`
  })
  const wrong = findings.filter(({ status }) => status !== 'ok').length
  return `${lines.join('\n')}\n\n${wrong === 0 ? 'All is well.' : `${wrong} of ${findings.length} want attention.`}\n`
}
