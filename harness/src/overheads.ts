/** The three overheads, always shown together; `formula` says what is in them, `brief` says it in a terminal's width. */
export const OVERHEADS = [
  {
    name: 'published',
    title: 'Overhead, published definition',
    brief: 'ten stages, without JSON, parsing and HTTP request',
    formula: 'the ten stages without JSON marshaling, response parsing and HTTP request',
  },
  {
    name: 'in_process',
    title: 'Overhead, in process',
    brief: 'all of the gateway, without HTTP request',
    formula: 'all that the gateway does, without HTTP request',
  },
  {
    name: 'client',
    title: 'Overhead, client',
    brief: "service time - mock's delay - floor",
    formula: "service time - the mock's own delay - floor",
  },
] as const
