/** Something that the mock can do, shown by a command against a mock of its own. */
export interface Capability {
  /** Its row in the comparison of mock-provider/README.md. */
  row: number
  /** What that row calls it. */
  name: string
  /** Of `bench mock`, besides the port. */
  flags: readonly string[]
  /** For bash, after `PREAMBLE`; the mock is at port `SHOWN_PORT`. */
  command: string
  /** What the command prints, its lines joined with ' / '. */
  expected: RegExp
}

/** The port that commands are shown with; the one that they are run with is any free one. */
export const SHOWN_PORT = 8001

/** What every command may use: an answer, a stream, the delays or statuses of many answers, a change of the config. */
export const PREAMBLE = `M=http://127.0.0.1:${SHOWN_PORT}
J='{"model":"m","messages":[{"role":"user","content":"hi"}]}'
S='{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'
chat() { curl -s "$M/v1/chat/completions" --json "$J" "$@"; }
stream() { curl -sN "$M/v1/chat/completions" --json "$S" "$@"; }
many() { curl -s -o /dev/null --json "$J" "$M/v1/chat/completions?[1-$1]" "\${@:2}"; }
delays() { many "$1" -w '%header{x-mock-delay}\\n' "\${@:2}"; }
statuses() { many "$1" -w '%{http_code}\\n' "\${@:2}"; }
change() { curl -s -o /dev/null "$M/admin/config" --json "$1"; }
`
