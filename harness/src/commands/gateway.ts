import { serve } from './serve.ts'

/** `bench gateway ...`: the built-in gateway alone, with its own flags. */
export function gatewayCommand(args: readonly string[]): Promise<number> {
  return serve(import.meta.resolve('@gatebench/gateway/main'), args)
}
