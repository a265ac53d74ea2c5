// Package parquet is the file format of the archive: [Encode] writes the rows of a
// table as one Parquet file, [Decode] reads it again.
//
// What Decode reads may be hostile. General Parquet readers, parquet-go included,
// believe the sizes that a file claims: a few bytes can ask for gigabytes, which
// ends a Go process. Decode therefore takes only what Encode writes: flat files, zstd
// or no compression, plain and dictionary encoding. It reads that page by page without
// unsafe code. It uses parquet-go for the metadata alone, after it has proved that the
// metadata claims no more than it holds. The limits are [MaxFile], [MaxRows] and
// [MaxDecoded].
//
// The format is that of https://parquet.apache.org/docs/file-format.
package parquet
