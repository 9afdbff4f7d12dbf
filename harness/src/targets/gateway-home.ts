import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TargetError } from '../errors.ts'
import type { Availability } from './target.ts'

/**
 * The folder that gateways are installed in, one folder each and per version: `$GATEBENCH_HOME`, or `~/.cache/gatebench`.
 * Nothing of them stands in the repository or among the programs of the machine.
 */
export function gatewayHome(env: Readonly<Record<string, string | undefined>>): string {
  const { GATEBENCH_HOME: home } = env
  return home === undefined || home === '' ? join(homedir(), '.cache', 'gatebench') : home
}

/** Where one version of a gateway is installed. */
export function gatewayFolder(home: string, name: string, version: string): string {
  return join(home, `${name}-${version}`)
}

/** A file that says exactly what is installed, of harness/gateways. */
export function lockFile(gateway: string, file: string): string {
  return fileURLToPath(new URL(`../../gateways/${gateway}/${file}`, import.meta.url))
}

/** Of a gateway that bench can install. @param where Places where it was looked for. */
export function notInstalled(gateway: string, where: string): Extract<Availability, { installed: false }> {
  return { installed: false, reason: `not in ${where}`, install: `npx bench targets --install ${gateway}` }
}

/** @throws {TargetError} when it is not installed, with what to do about it. */
export function assertInstalled<Found extends Availability>(
  gateway: string,
  found: Found,
): asserts found is Extract<Found, { installed: true }> {
  if (!found.installed) throw new TargetError(`${gateway}: ${found.reason}; install it: ${found.install}`)
}
