/** One sentence on why the address could not be had, and what would be right. */
export function listenProblem({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code ?? '') {
    case 'EADDRINUSE':
      return `--port: ${port} on ${host} is taken by another program; choose another port, or 0 for any free one`
    case 'EACCES':
      return `--port: ${port} may only be opened by an administrator; choose one from 1024 up, or 0 for any free one`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `--host: ${host} is not an address of this machine; write 127.0.0.1, or 0.0.0.0 for all of them`
    default:
      return `cannot listen on ${host}:${port}: ${message}`
  }
}
