/**
 * What the bootstrap uses of jstat, which comes without types. By its file, not by the name of the package: that is
 * declared in mock-provider/src/jstat.d.ts, for the tests there, and a module can be declared once only.
 */
declare module 'jstat/dist/jstat.js' {
  interface JStat {
    /** Quantile of Student's t. */
    studentt: { inv(p: number, degreesOfFreedom: number): number }
    /** Cumulative distribution function. */
    normal: { cdf(x: number, mean: number, sd: number): number }
  }
  const jStat: JStat
  export default jStat
}
