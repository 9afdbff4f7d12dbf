import { serve } from './serve.ts'

/** `bench mock ...`: the mock provider alone, with its own flags. */
export function mockCommand(args: readonly string[]): Promise<number> {
  return serve(import.meta.resolve('@gatebench/mock-provider/main'), args)
}
