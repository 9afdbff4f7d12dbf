import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeEnvironment } from '../environment.ts'
import { UsageError } from '../errors.ts'
import { renderClaim } from '../report/claim-markdown.ts'
import { knownTargets } from '../targets/known.ts'
import type { Target } from '../targets/target.ts'
import { readClaim } from '../verify/claim.ts'
import type { Here } from '../verify/planned-test.ts'
import { verifyClaim, type Verification } from '../verify/verify.ts'
import type { CommandIo } from './io.ts'

const SHIPPED = fileURLToPath(new URL('../../claims', import.meta.url))

export interface VerifyCommandOptions {
  /** Claim files, or names of shipped ones. */
  claims: readonly string[]
  out: string
  allowLoaded: boolean
  json: boolean
}

/** Names of the claims that come with bench. */
export function shippedClaims(): string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
}

/**
 * `bench verify`: published claims, run and judged. Code 0 when all that were tested were reproduced, 1 when one was not, 3 when none
 * can be tested here.
 *
 * @throws UsageError with the problems of every file at once.
 */
export async function verifyCommand(options: VerifyCommandOptions, io: CommandIo): Promise<{ exitCode: 0 | 1 | 3 }> {
  if (options.claims.length === 0) {
    io.stdout(
      `Claims that come with bench; "bench verify NAME" runs one:\n${shippedClaims()
        .map((name) => `  ${name}\n`)
        .join('')}`,
    )
    return { exitCode: 0 }
  }
  const claims = await readClaims(options.claims)
  const targets = await knownTargets()
  const here = await describeHere(targets)
  const found: Verification[] = []
  for (const claim of claims) {
    const { out: outDir, allowLoaded } = options
    const where = { outDir, allowLoaded, command: io.command, signal: io.signal }
    const verification = await verifyClaim(claim, here, targets, where, {
      say: (line) => {
        io.stderr(`${line}\n`)
      },
    })
    found.push(verification)
    const { plan, judgement, folder } = verification
    const text = renderClaim(claim, plan, judgement)
    if (folder !== undefined) {
      await writeFile(join(folder, 'report.md'), text)
      await writeFile(join(folder, 'verification.json'), `${JSON.stringify({ claim, plan, judgement }, null, 2)}\n`)
    }
    if (!options.json) io.stdout(`${text}\n`)
  }
  if (options.json) io.stdout(`${JSON.stringify(found, null, 2)}\n`)
  return { exitCode: exitCodeOf(found) }
}

function exitCodeOf(found: readonly Verification[]): 0 | 1 | 3 {
  const verdicts = found.map(({ judgement }) => judgement?.verdict ?? 'cannot_be_tested')
  if (verdicts.includes('not_reproduced')) return 1
  return verdicts.includes('reproduced') ? 0 : 3
}

async function readClaims(names: readonly string[]) {
  const problems: string[] = []
  const claims = []
  for (const name of names) {
    const shipped = join(SHIPPED, `${name}.json`)
    try {
      claims.push(await readClaim(existsSync(shipped) ? shipped : name))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new UsageError(problems)
  return claims
}

async function describeHere(targets: readonly Target[]): Promise<Here> {
  const { vcpus, memoryMiB, instanceType, cpuModel } = await describeEnvironment()
  const found = await Promise.all(targets.map(async (target) => [target.name, await target.find()] as const))
  return { vcpus, memoryMiB, instanceType, cpuModel, targets: Object.fromEntries(found) }
}
