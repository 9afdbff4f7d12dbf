import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readGatewayState, type GatewayState } from '../lib/gateway-state.ts'
import type { RunningProgram } from '../lib/programs.ts'
import type { IdleReport } from './idle-report.ts'

/** What a gateway holds when it has nothing to do and has collected its garbage. */
export interface Idle extends GatewayState, IdleReport {
  /** Open files that are sockets, and those that are not. */
  sockets: number
  otherFiles: number
}

/** @param reportFile where idle-report.ts, preloaded into it, writes */
export async function readIdle(gateway: RunningProgram, reportFile: string): Promise<Idle> {
  // Before anything is asked of it, which takes a socket.
  const files = filesOf(gateway.pid)
  rmSync(reportFile, { force: true })
  process.kill(gateway.pid, 'SIGUSR2')
  const report = await fileWithin(reportFile, 10_000)
  const { residentBytes, ...idle } = JSON.parse(report) as IdleReport
  return { ...(await readGatewayState(gateway.url)), ...files, ...idle, residentBytes }
}

function filesOf(pid: number): { sockets: number; otherFiles: number } {
  const folder = `/proc/${pid}/fd`
  const targets = readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))]
    } catch {
      // Closed since it was listed.
      return []
    }
  })
  const sockets = targets.filter((target) => target.startsWith('socket:')).length
  return { sockets, otherFiles: targets.length - sockets }
}

async function fileWithin(file: string, timeoutMs: number): Promise<string> {
  const giveUpAtMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      if (performance.now() > giveUpAtMs)
        throw new Error(`the gateway did not report within ${timeoutMs} ms`, { cause: error })
      await delay(50)
    }
  }
}
