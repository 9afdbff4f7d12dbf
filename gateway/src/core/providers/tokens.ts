/** A count of tokens as a provider reports it; `otherwise` when it is absent or no count. */
export function tokens(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise
}
