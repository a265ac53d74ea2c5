// Package envelope is the wire format of one Kinesis record: a header line, which
// says where the rows come from, and a body of rows.
//
//	{"obs":1,"kind":"part","category":"certificates","account_id":"123456789012","region":"eu-central-1",
//	 "run":"01981c5e-7c00-7000-8000-000000000001","collected_at":"2025-07-18T07:10:10.944Z",
//	 "part":0,"codec":"zstd","rows":500,"size":575500,"sha256":"…"}
//	…zstd…
//
// (The header is one line; it is broken here to be read.) The body is NDJSON, one
// row a line, compressed with zstd or not at all: anyone can read a record with
// tail and zstdcat. A part carries rows of one run; an end, which has no body, closes
// the run.
//
// A [Packer] makes records from rows. [Parse] and [Decoder.Body] take them apart;
// they read untrusted bytes, and what they refuse is an [*Error] with a reason.
// [Parse] reads the header only, so that the origin of a record can be verified
// before anything of its body is touched. Both ignore header keys they do not
// know, which leaves room for a signature.
//
// The package knows nothing of what a row is; packages rowjson and schema do.
package envelope
