/** Rows of whole numbers on their way from one thread to another; grows as needed. */
export class RowBuffer {
  #values: Int32Array
  #length = 0

  /** @param width numbers in a row, > 0 */
  constructor(width: number) {
    this.#values = new Int32Array(1_024 * width)
  }

  /** One row, whole: numbers outside of 32 bits wrap round, so the caller bounds them. */
  push(...row: readonly number[]): void {
    if (this.#length + row.length > this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    for (const value of row) this.#values[this.#length++] = value
  }

  /** What has come since the last call, to be handed over. */
  take(): Int32Array<ArrayBuffer> {
    const taken = this.#values.slice(0, this.#length)
    this.#length = 0
    return taken
  }
}
