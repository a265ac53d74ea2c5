// Package collectors declares how each category is collected: one file per
// category, a declaration and a function that pages through an AWS API.
//
// The rules that every collector follows, which its test (collecttest) checks:
//
//   - It reads every page, and everything that the API has: where an API hides
//     things by default (key types, archived findings, secrets that wait for
//     their deletion), the collector asks for them.
//   - A list that is denied or throttled ends the run with the error. A detail of
//     one row that is denied becomes null; it is never guessed (details).
//   - A value is passed on as AWS reports it, but for tags that may hold secrets
//     (tagMap, redactMap). What AWS leaves out is null.
//   - Calls names exactly the operations that it calls. Its service is declared once, as a
//     collect.Service beside the first collector that calls it: all collectors share its
//     rate, because AWS counts so, too.
//
// The package is flat: what a file declares begins with the name of its category.
package collectors
