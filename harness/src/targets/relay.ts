import { fileURLToPath } from 'node:url'
import { parseJsonObject } from '../json-object.ts'
import { startProgram } from '../processes.ts'
import type { RunningTarget, Target } from './target.ts'

const MAIN = fileURLToPath(new URL('../calibrate/relay-main.ts', import.meta.url))

/** How long a relay held the chunks that it read from its clients, by its own clock. */
export interface HeldFigures {
  count: number
  meanUs: number
  maxUs: number
}

interface RunningRelay extends RunningTarget {
  /** Undefined until it has been stopped, and where it held nothing. */
  held(): HeldFigures | undefined
}

/**
 * A negative control: a TCP relay that adds `delayUs` to whatever goes to the mock, 0 for one that only passes bytes on.
 * HTTP it does not see, so that the delay is all that it can add to a relay without one.
 */
export function relayTarget(delayUs: number, name: string = delayUs === 0 ? 'splice' : `relay-${delayUs}us`): Target {
  const does = delayUs === 0 ? 'passes bytes on and does nothing else' : `adds ${delayUs} us to each request`
  return {
    name,
    title: `a TCP relay that ${does}`,
    needsMock: true,
    settings: ['one process', 'one connection to the mock for each of its callers', `delay ${delayUs} us`],
    install: [],
    find: () => Promise.resolve({ installed: true }),
    start: async ({ mockUrl, signal }): Promise<RunningRelay> => {
      const program = await startProgram({
        name,
        script: MAIN,
        args: ['--upstream', mockUrl, '--delay-us', String(delayUs)],
        ...(signal && { signal }),
      })
      return {
        name,
        url: program.url,
        managed: true,
        pid: program.pid,
        exited: program.exited,
        stderrTail: () => program.stderrTail(),
        stop: () => program.stop(),
        held: () => heldOf(program.stderrTail()),
      }
    },
  }
}

/** What a relay held, once it has been stopped; undefined of any other target, and where nothing was held. */
export function heldBy(target: RunningTarget): HeldFigures | undefined {
  return isRelay(target) ? target.held() : undefined
}

function isRelay(target: RunningTarget): target is RunningRelay {
  return 'held' in target
}

/** From its last words: `{"event":"held","count":n,"meanUs":x,"maxUs":y}`, without times where n is 0. */
function heldOf(stderr: string): HeldFigures | undefined {
  const last = parseJsonObject(stderr.slice(stderr.lastIndexOf('\n') + 1))
  if (typeof last === 'string') return undefined
  const { event, count, meanUs, maxUs } = last
  if (event !== 'held' || typeof count !== 'number' || typeof meanUs !== 'number' || typeof maxUs !== 'number') {
    return undefined
  }
  return { count, meanUs, maxUs }
}
