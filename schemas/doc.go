// Package schemas declares the categories that are observed: one file per
// category, one struct per row. The struct is the whole schema. Its field types
// and tags give the columns, its doc comments give the reference pages and the
// comments of the database columns, and [lib/schema] compiles it into the table
// that every program uses.
//
// A category only ever gains nullable columns. Anything else (a column renamed,
// removed, retyped, another key) would break senders and receivers that were
// installed at different times, so it is a new category; a test compares with
// catalog/, the state that was committed last.
//
// [lib/schema]: https://pkg.go.dev/github.com/hubspoke/observability/lib/schema
package schemas
