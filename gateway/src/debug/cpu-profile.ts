import { Session } from 'node:inspector/promises'

/**
 * Samples what this process does.
 *
 * @param waited resolves when it is enough; when it rejects, the profile is given up
 * @returns the text of a .cpuprofile
 */
export async function cpuProfile(waited: () => Promise<unknown>): Promise<string> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await waited()
    const { profile } = await session.post('Profiler.stop')
    return JSON.stringify(profile)
  } finally {
    session.disconnect()
  }
}
