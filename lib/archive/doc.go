// Package archive keeps the rows of runs as Parquet files in S3, so that they can
// be applied again, and queried by any Parquet reader:
//
//	data/account=<id>/region=<region>/category=<name>/date=<UTC day of the run's start>/<run>-<n>.parquet
//	data/account=<id>/region=<region>/category=<name>/date=<UTC day of the run's start>/_<run>.manifest.json
//
// The account comes first, so that a bucket policy can bind the prefix to the
// caller. The manifest is written last: it says how the run ended, and for each
// file its rows, size, SHA-256 and the parts that its rows had in the stream. A
// run without a manifest is unfinished.
//
// [Bucket.Create] writes a run; [Bucket.Runs], [Bucket.ReadManifest] and
// [Bucket.Open] read it.
//
// # Trust
//
// A sender that may write below an account's prefix may write anything there. So a
// manifest counts only in its own place, names only files beside it, and a file is
// opened only if its size and SHA-256 are those of the manifest. What is in it may
// still be hostile, because the same sender may have written both: nothing that a file
// claims is believed, and reading one costs no more than a few times [MaxDecoded]. To
// read files of accounts that are not trusted at all, still use a process of its own
// with a limit on its memory.
package archive
