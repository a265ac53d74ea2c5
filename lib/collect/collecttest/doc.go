// Package collecttest tests a collector against recorded answers of AWS, through
// the real AWS SDK and without a network:
//
//	func TestCertificates(t *testing.T) { collecttest.Run(t, certificates) }
//
// # Recordings
//
// The recordings of a category are the .txt files in testdata/<category>/, one per
// request, and testdata/<category>/want.ndjson has the rows that they make, in the
// order in which the collector emits them. A recording is
//
//	ListCertificates
//	{"MaxItems": 1000, "NextToken": "page2"}
//
//	200
//	{"CertificateSummaryList": []}
//
// the operation, the request as JSON (for the query protocol of EC2 the form
// fields without Action and Version, as an object of texts), an empty line, the
// HTTP status and the body of the answer, JSON or XML. A REST request without a
// body, or with a query, is an object of its path ("path"), the parameters of the
// query and the body ("body"); parameters that come several times are lists of
// texts. A request is answered by
// the recording that equals it. The account of the run is [Account], its region
// [Region], and it starts at [Now]. The collector must make its requests in the
// same order in each run.
//
// Categories that are collected incrementally have a second set of recordings in
// testdata/<category>/since/, where Env.Since is [Since].
//
// # Rules
//
// Run checks that
//
//   - the rows are those of want.ndjson (go test -update writes it), obey the rules
//     of their columns, have different keys, and lie in the declared slices;
//   - every column is filled in at least one row;
//   - the operations called are those of Calls, no more and no less;
//   - every request has a recording and every recording is used;
//   - when one request after the other is denied, of those that were answered with
//     success, the collector fails with an
//     error that is classified as denied, or leaves columns null. No other value
//     may appear, except in a column named denied_actions: the JSON array of the
//     IAM actions that were denied for the row;
//   - when one request is throttled once, the rows stay the same; when it is
//     throttled in every attempt, the collector fails with an error that is classified as
//     throttled;
//   - when an answer that has a list comes without it, the collector fails;
//   - when a page answers with the token that it was asked with, the collector fails,
//     and does not ask for ever;
//   - an error of emit ends the collection, and is returned; so does the end of the
//     context.
package collecttest
