import type { KeyConfig } from '../config.ts'
import type { KeySelector } from './key-selector.ts'

/** Which keys one request has seen fail with its provider, and which it may try next. */
export class KeyRotation {
  private readonly dead = new Set<KeyConfig>()
  /** At their limit in this round. */
  private readonly limited = new Set<KeyConfig>()
  /** Before this the provider does not want to see a key again, Unix time in ms. */
  private readonly notBeforeMs = new Map<KeyConfig, number>()

  /** The provider has asked for a wait of so long with this key. */
  postpone(key: KeyConfig, untilMs: number): void {
    this.notBeforeMs.set(key, untilMs)
  }

  /** How long the provider wants to be spared this key, ms; 0 when it has not said. */
  postponedMs(key: KeyConfig, nowMs: number): number {
    return Math.max(0, (this.notBeforeMs.get(key) ?? 0) - nowMs)
  }

  /**
   * The key for the next try after `key` reached its limit. When every key has, a new round begins: the same key again
   * only where there is no other.
   */
  afterLimit(key: KeyConfig, selector: KeySelector, model: string, random: number): KeyConfig {
    this.limited.add(key)
    return this.another(selector, model, random) ?? this.newRound(key, selector, model, random) ?? key
  }

  /** The key for the next try after `key` was refused for good; undefined when every key has been. */
  afterDeath(key: KeyConfig, selector: KeySelector, model: string, random: number): KeyConfig | undefined {
    this.dead.add(key)
    return this.another(selector, model, random) ?? this.newRound(key, selector, model, random)
  }

  /** All count again; only not the one that has just failed at once, if there is another. */
  private newRound(key: KeyConfig, selector: KeySelector, model: string, random: number): KeyConfig | undefined {
    this.limited.clear()
    return selector.pickOther(model, random, (other) => other !== key && !this.dead.has(other))
  }

  private another(selector: KeySelector, model: string, random: number): KeyConfig | undefined {
    return selector.pickOther(model, random, (key) => !this.dead.has(key) && !this.limited.has(key))
  }
}
