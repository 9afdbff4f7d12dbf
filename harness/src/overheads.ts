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
    brief: "all on the gateway's clock, without HTTP request",
    formula:
      'all that the gateway times, waits before further tries included, without HTTP request; what Node does before and after, reading and writing sockets, is in the transport rows and in CPU per request',
  },
  {
    name: 'client',
    title: 'Overhead, client',
    brief: "service time - mock's delay - mean floor",
    formula: "service time - the mock's own delay - the mean floor",
  },
] as const
