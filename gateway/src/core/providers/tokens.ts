/** A count of tokens as a provider reports it; 0 when it is absent or no count. */
export function tokens(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
