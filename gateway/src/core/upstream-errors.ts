/** The answer is longer than any chat completion. */
export class AnswerTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`the answer is larger than ${maxBytes} bytes`)
  }
}

/** A success in a coding (`content-encoding`) that the gateway does not ask for and does not read. */
export class ContentCodingError extends Error {
  constructor(coding: string) {
    super(`the answer is encoded (${JSON.stringify(coding.slice(0, 40))}), which was not asked for`)
  }
}
