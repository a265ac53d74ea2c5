// Package collecttest tests a collector against recorded answers of AWS, through
// the real AWS SDK and without a network:
//
//	func TestCertificates(t *testing.T) { collecttest.Run(t, certificates) }
//
// # Recordings
//
// The recordings of a category are stories: txtar files in testdata/<category>/, each
// with a few requests that belong together. testdata/<category>/want.ndjson has the rows
// that all of them make, in the order in which the collector emits them. This is a story:
//
//	Two pages of certificates.
//	-- ListCertificates --
//	{"MaxItems": 1000}
//
//	200
//	{"CertificateSummaryList": [], "NextToken": "page2"}
//	-- ListCertificates --
//	{"MaxItems": 1000, "NextToken": "page2"}
//
//	200
//	{"CertificateSummaryList": []}
//
// It begins with what it is about. Each request is a section, named like the operation. It has the
// request as JSON (for the query protocol of EC2 the form fields without Action and Version, as an
// object of texts), an empty line, the HTTP status and the body of the answer, JSON or XML. A REST
// request without a body, or with a query, is an object of its path ("path"), the bucket if S3 has
// it in the host ("bucket"), the parameters of the query but for S3's x-id, and the body ("body");
// parameters that come several times are lists of texts. Where a service is asked in CBOR, both
// are JSON, too; a float has a point, as 14.0, and times are seconds. A request is answered by the
// recording that equals it. The account of the run is [Account], its region [Region], and it
// starts at [Now]. The collector must make its requests in the same order in each run.
//
// # Scenarios
//
// A directory below is a scenario: what happens in another environment, or when AWS
// answers otherwise. It has
//
//   - env.json, what is different in [collect.Env]: {} or any of account, partition,
//     region, global, labels, version, now, since;
//   - stories, none where nothing is asked;
//   - want.outcome: the outcome (ok, empty, disabled and so on), and the errors behind it;
//   - want.ndjson, if there are rows.
//
// An incremental collector needs one with since, and one of PerRegionAndGlobal needs one
// with global: its main stories are those of a region.
//
// # Rules
//
// go test -update writes want.ndjson and want.outcome. Run checks in each scenario that
//
//   - the rows are those of want.ndjson, obey the rules of their columns, have different
//     keys, and lie in the declared slices;
//   - every request has a recording and every recording is used;
//   - what may be a secret in an answer is in no row: texts of members with a name for
//     secrets, values of tags with such a key, and descriptions with a password in a URL.
//     kept.json in the directory of the category names members that only sound so, with
//     the reason;
//
// and that in all of them together
//
//   - every column is filled in at least one row;
//   - the operations called are those of Calls, no more and no less.
//
// Where the collector succeeds, it is run again with faults at the first and at the last
// request of each operation:
//
//   - denied, if it was answered with success: the collector fails with an
//     error that is classified as denied, or leaves columns null. No other value
//     may appear, except in a column named denied_actions: the JSON array of the
//     IAM actions that were denied for the row ([Actions]);
//   - throttled once, the rows stay the same; throttled in every attempt, the collector
//     fails with an error that is classified as throttled;
//   - without the list of its answer, the collector fails;
//   - with the token that it was asked with as the next one, the collector fails,
//     and does not ask for ever;
//   - an error of emit ends the collection, and is returned; so does the end of the
//     context.
//
// Requests are denied and throttled as the service of the request does it, in its protocol.
//
// # Snapshots
//
// With the option [Snapshots] the collector is run once more, with an answer to each
// operation that has every member, as the SDK's own tests have them. Recordings of the
// category answer the other operations. Then
//
//   - every column is filled;
//   - left_out.txt in the directory of the category names the members without which all rows
//     are the same. go test -update writes it, and a member that is new in a version of the
//     SDK fails the test;
//   - no member is needed: without it the collector may fail, and may not panic.
//
// The values of these answers are arbitrary. snapshots.json says what has to be different, and
// why:
//
//	{
//	  "values": {"DescribeKey": {"KeyMetadata.KeyState": "Enabled"}},
//	  "unused": {"GetAccountSummary": "its map has a key of no meaning"},
//	  "null": {"labels": "the spoke's settings have it"}
//	}
//
// values stand in place of members, by operation and path; unused are operations that
// recordings answer all the same, or that are not called; null are columns that are null all
// the same. An entry of what is not there, or of a column that is filled, is an error.
package collecttest
