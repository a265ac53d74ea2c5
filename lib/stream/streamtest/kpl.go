package streamtest

import "crypto/md5"

// aggregate returns a valid aggregated record of the Kinesis Producer Library. Its only
// inner record points at a partition key that is not there. It is known to end the
// de-aggregator that client libraries use with a panic.
//
// The form is the magic, a protobuf message and its MD5:
// https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
func aggregate() []byte {
	message := []byte{
		0x0A, 0x01, 'k', // partition_key_table: "k"
		0x1A, 0x05, // records, 5 bytes
		0x08, 0x07, // partition_key_index: 7
		0x1A, 0x01, 'd', // data: "d"
	}
	sum := md5.Sum(message)
	record := append([]byte{0xF3, 0x89, 0x9A, 0xC2}, message...)
	return append(record, sum[:]...)
}
