import type { CommandIo } from './io.ts'

/** `bench doctor`. */
export function doctorCommand(_options: { json: boolean }, io: CommandIo): Promise<{ exitCode: 0 | 1 }> {
  io.stdout('not there yet\n')
  return Promise.resolve({ exitCode: 1 })
}
