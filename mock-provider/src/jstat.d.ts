/** What the tests use of jstat, which comes without types: cumulative distribution functions. */
declare module 'jstat' {
  interface JStat {
    normal: { cdf(x: number, mean: number, sd: number): number }
    lognormal: { cdf(x: number, mu: number, sigma: number): number }
    gamma: { cdf(x: number, shape: number, scale: number): number }
    uniform: { cdf(x: number, low: number, high: number): number }
  }
  const jStat: JStat
  export default jStat
}
