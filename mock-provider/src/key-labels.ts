import { maskKey } from './strict-text.ts'

const MOST_LABELS = 100

/** Labels under which API keys are counted: masked, and bounded in number, because a caller can send any. */
export class KeyLabels {
  readonly #labels = new Map<string, string>()

  labelOf(key: string | undefined): string {
    if (key === undefined) return 'none'
    const known = this.#labels.get(key)
    if (known !== undefined) return known
    if (this.#labels.size >= MOST_LABELS) return 'other'
    const label = maskKey(key)
    this.#labels.set(key, label)
    return label
  }
}
