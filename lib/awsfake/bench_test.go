package awsfake_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

// BenchmarkPutGet puts batches of 500 records of 500 bytes over 4 shards, and reads them, with the SDK's client.
func BenchmarkPutGet(b *testing.B) {
	s, err := awsfake.New(awsfake.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	k := kinesis.NewFromConfig(s.AWSConfig(hub, region))
	if _, err := k.CreateStream(b.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("events"),
		ShardCount: aws.Int32(4)}); err != nil {
		b.Fatal(err)
	}
	in := &kinesis.PutRecordsInput{StreamARN: &events}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(strconv.Itoa(i)),
			Data: bytes.Repeat([]byte("x"), 500)})
	}
	for range 20 {
		if _, err := k.PutRecords(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("put", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.PutRecords(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("get", func(b *testing.B) {
		read := 0
		for b.Loop() {
			it, err := k.GetShardIterator(b.Context(),
				&kinesis.GetShardIteratorInput{StreamARN: &events, ShardId: aws.String("shardId-000000000000"),
					ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
			if err != nil {
				b.Fatal(err)
			}
			out, err := k.GetRecords(b.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
			if err != nil {
				b.Fatal(err)
			}
			read += len(out.Records)
		}
		b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
	})
}
