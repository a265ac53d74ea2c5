package awsfake_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/hubspoke/observability/lib/awsfake"
)

var events = awsfake.StreamARN(hub, region, "events")

// createEvents creates the stream "events" in the hub account.
func createEvents(t *testing.T, s *awsfake.Server, shards int32) *kinesis.Client {
	t.Helper()
	k := kinesisAs(s, hub)
	must(k.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("events"),
		ShardCount: aws.Int32(shards)}))(t)
	return k
}

func put(t *testing.T, k *kinesis.Client, key, data string) *kinesis.PutRecordOutput {
	t.Helper()
	return must(k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: &key,
		Data: []byte(data)}))(t)
}

func iterator(t *testing.T, k *kinesis.Client, in kinesis.GetShardIteratorInput) *string {
	t.Helper()
	in.StreamARN = &events
	return must(k.GetShardIterator(t.Context(), &in))(t).ShardIterator
}

func horizon(t *testing.T, k *kinesis.Client, shard string) *string {
	t.Helper()
	return iterator(t, k, kinesis.GetShardIteratorInput{ShardId: &shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
}

// read reads a shard from an iterator until it is caught up or the shard ends, and returns the data and the last page.
func read(t *testing.T, k *kinesis.Client, it *string) ([]string, *kinesis.GetRecordsOutput) {
	t.Helper()
	var data []string
	for {
		out := must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t)
		for _, r := range out.Records {
			data = append(data, string(r.Data))
		}
		if out.NextShardIterator == nil || *out.MillisBehindLatest == 0 {
			return data, out
		}
		it = out.NextShardIterator
	}
}

func shardIDs(t *testing.T, k *kinesis.Client) []string {
	t.Helper()
	var ids []string
	for _, sh := range must(k.ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: &events}))(t).Shards {
		ids = append(ids, *sh.ShardId)
	}
	return ids
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestPutAndGetAcrossShards(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 4)
	in := &kinesis.PutRecordsInput{StreamName: aws.String("events")}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("key-" + strconv.Itoa(i%50)),
			Data: []byte(strconv.Itoa(i))})
	}
	out := must(k.PutRecords(t.Context(), in))(t)
	if *out.FailedRecordCount != 0 || len(out.Records) != 500 {
		t.Fatalf("failed %d of %d", *out.FailedRecordCount, len(out.Records))
	}
	seen := 0
	for _, id := range shardIDs(t, k) {
		var want []string // the order of the put
		for i, r := range out.Records {
			if *r.ShardId == id {
				want = append(want, strconv.Itoa(i))
			}
		}
		if len(want) == 0 {
			t.Fatalf("nothing went to %s", id)
		}
		got, last := read(t, k, horizon(t, k, id))
		equal(t, id, got, want)
		if last.NextShardIterator == nil || len(last.ChildShards) != 0 {
			t.Fatal("an open shard ended")
		}
		seen += len(got)
	}
	if seen != 500 {
		t.Fatalf("read %d records of 500", seen)
	}
	if n := len(must(s.Records(events))(t)); n != 500 {
		t.Fatalf("Records returned %d", n)
	}
}

func TestExplicitHashKeyChoosesTheShard(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 2)
	for hash, want := range map[string]string{
		"0": "shardId-000000000000",
		"170141183460469231731687303715884105727": "shardId-000000000000",
		"170141183460469231731687303715884105728": "shardId-000000000001",
		"340282366920938463463374607431768211455": "shardId-000000000001",
	} {
		out := must(k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
			ExplicitHashKey: &hash, Data: []byte("x")}))(t)
		if *out.ShardId != want {
			t.Errorf("%s went to %s, want %s", hash, *out.ShardId, want)
		}
	}
	_, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
		ExplicitHashKey: aws.String("340282366920938463463374607431768211456"), Data: []byte("x")})
	wantCode(t, err, "InvalidArgumentException", "ExplicitHashKey")
}

func TestIteratorTypes(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 1)
	shard := "shardId-000000000000"
	var sequences []string
	var times []time.Time
	for i := range 4 {
		sequences = append(sequences, *put(t, k, "k", strconv.Itoa(i)).SequenceNumber)
		times = append(times, c.now())
		c.advance(1500 * time.Millisecond)
	}
	latest := iterator(t, k, kinesis.GetShardIteratorInput{ShardId: &shard,
		ShardIteratorType: types.ShardIteratorTypeLatest})
	put(t, k, "k", "4")
	at := func(typ types.ShardIteratorType, sequence *string, when *time.Time) []string {
		got, _ := read(t, k, iterator(t, k, kinesis.GetShardIteratorInput{ShardId: &shard, ShardIteratorType: typ,
			StartingSequenceNumber: sequence, Timestamp: when}))
		return got
	}
	equal(t, "TRIM_HORIZON", at(types.ShardIteratorTypeTrimHorizon, nil, nil), []string{"0", "1", "2", "3", "4"})
	equal(t, "AT_SEQUENCE_NUMBER", at(types.ShardIteratorTypeAtSequenceNumber, &sequences[2], nil),
		[]string{"2", "3", "4"})
	equal(t, "AFTER_SEQUENCE_NUMBER", at(types.ShardIteratorTypeAfterSequenceNumber, &sequences[2], nil),
		[]string{"3", "4"})
	equal(t, "AT_TIMESTAMP", at(types.ShardIteratorTypeAtTimestamp, nil, &times[1]), []string{"1", "2", "3", "4"})
	got, _ := read(t, k, latest)
	equal(t, "LATEST", got, []string{"4"})

	for name, in := range map[string]struct {
		in         kinesis.GetShardIteratorInput
		code, text string
	}{
		"future": {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp,
			Timestamp: aws.Time(c.now().Add(time.Hour))}, "InvalidArgumentException", "timestampInMillis"},
		"no time": {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp},
			"InvalidArgumentException", "timestamp"},
		"no number": {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber,
			StartingSequenceNumber: aws.String("x")}, "ValidationException", "startingSequenceNumber"},
		"other stream": {kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber,
			StartingSequenceNumber: aws.String("1")}, "InvalidArgumentException", "did not come from this stream"},
		"no type": {kinesis.GetShardIteratorInput{ShardIteratorType: "SOMEWHERE"}, "ValidationException",
			"shardIteratorType"},
		"unknown shard": {kinesis.GetShardIteratorInput{ShardId: aws.String("shardId-000000000009"),
			ShardIteratorType: types.ShardIteratorTypeLatest}, "ResourceNotFoundException", "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			if in.in.ShardId == nil {
				in.in.ShardId = &shard
			}
			in.in.StreamARN = &events
			_, err := k.GetShardIterator(t.Context(), &in.in)
			wantCode(t, err, in.code, in.text)
		})
	}
}

func TestIteratorsExpireAfterFiveMinutes(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 1)
	it := horizon(t, k, "shardId-000000000000")
	c.advance(5 * time.Minute)
	must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t)
	c.advance(time.Millisecond)
	_, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
	wantCode(t, err, "ExpiredIteratorException", "300000 milliseconds")

	_, err = k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAA")})
	wantCode(t, err, "InvalidArgumentException", "Invalid ShardIterator")
}

func TestSequenceNumbersGrow(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 1)
	last := new(big.Int)
	next := func() {
		t.Helper()
		n, ok := new(big.Int).SetString(*put(t, k, "k", "x").SequenceNumber, 10)
		if !ok || n.Cmp(last) <= 0 {
			t.Fatalf("%s follows %s", n, last)
		}
		last = n
	}
	for range 12 {
		next()
	}
	must(k.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamARN: &events, TargetShardCount: aws.Int32(2),
		ScalingType: types.ScalingTypeUniformScaling}))(t)
	next()
	old := last.String()
	must(k.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamARN: &events}))(t)
	c.advance(time.Second)
	createEvents(t, s, 1)
	next()
	_, err := k.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamARN: &events,
		ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber,
		StartingSequenceNumber: &old})
	wantCode(t, err, "InvalidArgumentException", "did not come from this stream")
}

func TestSplitAndMergeKeepOrder(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	put(t, k, "k", "before")
	must(k.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamARN: &events,
		ShardToSplit:       aws.String("shardId-000000000000"),
		NewStartingHashKey: aws.String("170141183460469231731687303715884105728")}))(t)
	between := put(t, k, "k", "between")
	must(k.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamARN: &events,
		ShardToMerge: aws.String("shardId-000000000001"), AdjacentShardToMerge: aws.String("shardId-000000000002")}))(t)
	after := put(t, k, "k", "after")

	data, last := read(t, k, horizon(t, k, "shardId-000000000000"))
	equal(t, "parent", data, []string{"before"})
	if last.NextShardIterator != nil || len(last.ChildShards) != 2 {
		t.Fatalf("the closed parent has the iterator %v and %d children", last.NextShardIterator, len(last.ChildShards))
	}
	for _, child := range last.ChildShards {
		equal(t, "parents of "+*child.ShardId, child.ParentShards, []string{"shardId-000000000000"})
	}
	put(t, k, "k", "later")
	must(k.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamARN: &events, ShardToSplit: after.ShardId,
		NewStartingHashKey: aws.String("5")}))(t)
	page := must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: horizon(t, k, *after.ShardId),
		Limit: aws.Int32(1)}))(t)
	if len(page.Records) != 1 || page.NextShardIterator == nil || len(page.ChildShards) != 0 {
		t.Fatalf("a closed shard with unread records answered %+v", page)
	}

	data, last = read(t, k, horizon(t, k, *between.ShardId))
	equal(t, "child", data, []string{"between"})
	if last.NextShardIterator != nil || len(last.ChildShards) != 1 || *last.ChildShards[0].ShardId != *after.ShardId {
		t.Fatalf("got the children %+v", last.ChildShards)
	}
	equal(t, "parents of the merged", last.ChildShards[0].ParentShards,
		[]string{"shardId-000000000001", "shardId-000000000002"})
	data, last = read(t, k, horizon(t, k, *after.ShardId))
	equal(t, "merged", data, []string{"after", "later"})
	if last.NextShardIterator != nil || len(last.ChildShards) != 2 {
		t.Fatalf("got the children %+v", last.ChildShards)
	}

	shards := must(k.ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: &events}))(t).Shards
	merged := shards[3]
	if *merged.ParentShardId != "shardId-000000000001" || *merged.AdjacentParentShardId != "shardId-000000000002" ||
		*merged.HashKeyRange.StartingHashKey != "0" || merged.SequenceNumberRange.EndingSequenceNumber == nil {
		t.Fatalf("got %+v", merged)
	}
	if shards[5].SequenceNumberRange.EndingSequenceNumber != nil {
		t.Fatal("an open shard has an end")
	}
}

func TestReshardingErrors(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 3)
	split := func(shard, at string) error {
		_, err := k.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamARN: &events, ShardToSplit: &shard,
			NewStartingHashKey: &at})
		return err
	}
	merge := func(a, b string) error {
		_, err := k.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamARN: &events, ShardToMerge: &a,
			AdjacentShardToMerge: &b})
		return err
	}
	scale := func(n int32) error {
		_, err := k.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamARN: &events, TargetShardCount: &n,
			ScalingType: types.ScalingTypeUniformScaling})
		return err
	}
	wantCode(t, split("shardId-000000000009", "5"), "ResourceNotFoundException", "Could not find shard")
	wantCode(t, split("shardId-000000000000", "0"), "InvalidArgumentException", "NewStartingHashKey 0")
	wantCode(t, merge("shardId-000000000000", "shardId-000000000002"), "InvalidArgumentException", "not an adjacent pair")
	wantCode(t, merge("shardId-000000000000", "shardId-000000000000"), "InvalidArgumentException", "not an adjacent pair")
	wantCode(t, scale(7), "InvalidArgumentException", "double")
	wantCode(t, scale(1), "InvalidArgumentException", "half")
	if err := split("shardId-000000000000", "5"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, split("shardId-000000000000", "7"), "ResourceInUseException", "already been merged or split")
	wantCode(t, merge("shardId-000000000000", "shardId-000000000001"), "ResourceInUseException",
		"already been merged or split")
}

func TestUpdateShardCountCoversTheWholeKeySpace(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 3)
	for _, n := range []int32{5, 10, 6, 3, 2, 1} {
		must(k.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamARN: &events, TargetShardCount: &n,
			ScalingType: types.ScalingTypeUniformScaling}))(t)
		open := must(k.ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: &events,
			ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}}))(t).Shards
		if len(open) != int(n) {
			t.Fatalf("%d open shards, want %d", len(open), n)
		}
		covered := new(big.Int)
		for _, sh := range open {
			from, _ := new(big.Int).SetString(*sh.HashKeyRange.StartingHashKey, 10)
			to, _ := new(big.Int).SetString(*sh.HashKeyRange.EndingHashKey, 10)
			covered.Add(covered, to.Sub(to, from).Add(to, big.NewInt(1)))
		}
		if covered.BitLen() != 129 {
			t.Fatalf("with %d shards %s keys are covered, want 2^128", n, covered)
		}
		for i := range 50 {
			put(t, k, "key-"+strconv.Itoa(i), "x")
		}
	}
}

func TestListShardsInPages(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 7)
	var ids []string
	in := &kinesis.ListShardsInput{StreamName: aws.String("events"), MaxResults: aws.Int32(3)}
	pages := 0
	for {
		out := must(k.ListShards(t.Context(), in))(t)
		for _, sh := range out.Shards {
			ids = append(ids, *sh.ShardId)
		}
		pages++
		if out.NextToken == nil {
			break
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(3)}
	}
	equal(t, "shards", ids, shardIDs(t, k))
	if pages != 3 || len(ids) != 7 {
		t.Fatalf("%d shards in %d pages", len(ids), pages)
	}

	_, err := k.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String("events"),
		NextToken: in.NextToken})
	wantCode(t, err, "InvalidArgumentException", "cannot be provided together")
	c.advance(6 * time.Minute)
	_, err = k.ListShards(t.Context(), in)
	wantCode(t, err, "ExpiredNextTokenException", "")
	_, err = k.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: aws.String("AAAA")})
	wantCode(t, err, "InvalidArgumentException", "NextToken")
}

func TestListShardsFilter(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 2)
	c.advance(time.Minute)
	created := c.now()
	c.advance(time.Minute)
	must(k.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamARN: &events,
		ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("5")}))(t)
	c.advance(time.Minute)
	split := c.now()
	for name, f := range map[string]struct {
		filter types.ShardFilter
		want   string
	}{
		"all":          {types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}, "0123"},
		"trim horizon": {types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}, "01"},
		"latest":       {types.ShardFilter{Type: types.ShardFilterTypeAtLatest}, "123"},
		"after": {types.ShardFilter{Type: types.ShardFilterTypeAfterShardId,
			ShardId: aws.String("shardId-000000000001")}, "23"},
		"at, before":      {types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &created}, "01"},
		"at, after":       {types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &split}, "123"},
		"from the split":  {types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &split}, "123"},
		"from before it ": {types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &created}, "0123"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, sh := range must(k.ListShards(t.Context(),
				&kinesis.ListShardsInput{StreamARN: &events, ShardFilter: &f.filter}))(t).Shards {
				got += (*sh.ShardId)[len(*sh.ShardId)-1:]
			}
			if got != f.want {
				t.Errorf("got %s, want %s", got, f.want)
			}
		})
	}
}

func TestRetentionTrims(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 1)
	first := *put(t, k, "k", "0").SequenceNumber
	c.advance(4 * time.Minute)
	put(t, k, "k", "1")
	retention := func(hours int32) {
		t.Helper()
		must(k.IncreaseStreamRetentionPeriod(t.Context(),
			&kinesis.IncreaseStreamRetentionPeriodInput{StreamARN: &events, RetentionPeriodHours: &hours}))(t)
	}
	retention(48)
	must(k.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamARN: &events,
		ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("5")}))(t)
	c.advance(47 * time.Hour)
	got, _ := read(t, k, horizon(t, k, "shardId-000000000000"))
	equal(t, "after 47 hours", got, []string{"0", "1"})
	c.advance(58 * time.Minute)
	got, _ = read(t, k, horizon(t, k, "shardId-000000000000"))
	equal(t, "after 47:58 from the second", got, []string{"1"})
	got, _ = read(t, k, iterator(t, k, kinesis.GetShardIteratorInput{ShardId: aws.String("shardId-000000000000"),
		ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: &first}))
	equal(t, "after a trimmed number", got, []string{"1"})
	c.advance(5 * time.Minute)
	equal(t, "shards", shardIDs(t, k), []string{"shardId-000000000001", "shardId-000000000002"})

	_, err := k.IncreaseStreamRetentionPeriod(t.Context(),
		&kinesis.IncreaseStreamRetentionPeriodInput{StreamARN: &events, RetentionPeriodHours: aws.Int32(24)})
	wantCode(t, err, "InvalidArgumentException", "can not be shorter")
	_, err = k.DecreaseStreamRetentionPeriod(t.Context(),
		&kinesis.DecreaseStreamRetentionPeriodInput{StreamARN: &events, RetentionPeriodHours: aws.Int32(23)})
	wantCode(t, err, "InvalidArgumentException", "Minimum allowed")
	_, err = k.DecreaseStreamRetentionPeriod(t.Context(),
		&kinesis.DecreaseStreamRetentionPeriodInput{StreamARN: &events, RetentionPeriodHours: aws.Int32(72)})
	wantCode(t, err, "InvalidArgumentException", "can not be longer")
}

func TestTrim(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 1)
	shard := "shardId-000000000000"
	var sequences []string
	for i := range 10 {
		sequences = append(sequences, *put(t, k, "k", strconv.Itoa(i)).SequenceNumber)
		c.advance(time.Second)
	}
	it := horizon(t, k, shard)
	if n := must(s.Trim(events, shard, sequences[3]))(t); n != 3 {
		t.Fatalf("trimmed %d, want 3", n)
	}
	got, last := read(t, k, it) // an iterator from before goes on at the new horizon
	equal(t, "rest", got, []string{"3", "4", "5", "6", "7", "8", "9"})
	if n := must(s.TrimBefore(events, c.now().Add(-2*time.Second)))(t); n != 5 {
		t.Fatalf("trimmed %d, want 5", n)
	}
	got, _ = read(t, k, horizon(t, k, shard))
	equal(t, "rest", got, []string{"8", "9"})
	if n := must(s.Trim(events, shard, ""))(t); n != 2 {
		t.Fatalf("trimmed %d, want 2", n)
	}
	put(t, k, "k", "10")
	got, _ = read(t, k, last.NextShardIterator)
	equal(t, "after", got, []string{"10"})
	if _, err := s.Trim(events, "shardId-000000000005", ""); err == nil {
		t.Error("a shard that does not exist was trimmed")
	}
	if _, err := s.Records("arn:aws:kinesis:eu-central-1:111111111111:stream/other"); err == nil {
		t.Error("a stream that does not exist has records")
	}
}

func TestSizeLimits(t *testing.T) {
	s := start(t, awsfake.Config{})
	k := createEvents(t, s, 1)
	entry := func(n int) types.PutRecordsRequestEntry {
		return types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: bytes.Repeat([]byte("x"), n)}
	}
	send := func(entries ...types.PutRecordsRequestEntry) error {
		_, err := k.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamARN: &events, Records: entries})
		return err
	}
	full := entry(1<<20 - 1)
	wantCode(t, send(entry(1<<20)), "ValidationException", "records.1.member.data")
	wantCode(t, send(full, full, full, full, full, entry(1)), "InvalidArgumentException", "5 MB")
	wantCode(t, send(slices.Repeat([]types.PutRecordsRequestEntry{entry(1)}, 501)...), "ValidationException", "500")
	wantCode(t, send(types.PutRecordsRequestEntry{PartitionKey: aws.String(strings.Repeat("k", 257)), Data: []byte("x")}),
		"ValidationException", "partitionKey")
	if n := len(must(s.Records(events))(t)); n != 0 {
		t.Fatalf("%d records of refused requests were stored", n)
	}
	for range 3 {
		if err := send(full, full, full, full, full); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	it := horizon(t, k, "shardId-000000000000")
	for {
		out := must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t)
		sizes = append(sizes, len(out.Records))
		if *out.MillisBehindLatest == 0 {
			break
		}
		it = out.NextShardIterator
	}
	equal(t, "records per page of 10 MiB", sizes, []int{10, 5})

	must(k.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: &events,
		MaxRecordSizeInKiB: aws.Int32(2048)}))(t)
	if err := send(entry(2<<20-1), entry(2<<20-1), entry(2<<20-1), entry(2<<20-1)); err != nil {
		t.Fatal(err)
	}
	_, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(10001)})
	wantCode(t, err, "ValidationException", "10000")
}

func TestShardLimits(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now, ShardLimits: true})
	k := createEvents(t, s, 1)
	send := func(records, size int) int32 {
		t.Helper()
		in := &kinesis.PutRecordsInput{StreamARN: &events}
		for range records {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"),
				Data: bytes.Repeat([]byte("x"), size-1)})
		}
		out := must(k.PutRecords(t.Context(), in))(t)
		for _, r := range out.Records {
			if r.ErrorCode != nil && (*r.ErrorCode != "ProvisionedThroughputExceededException" ||
				!strings.Contains(*r.ErrorMessage, "shardId-000000000000 in stream events")) {
				t.Fatalf("got %s: %s", *r.ErrorCode, *r.ErrorMessage)
			}
		}
		return *out.FailedRecordCount
	}
	equal(t, "records refused of 1,100 in one second", []int32{send(500, 10), send(500, 10), send(100, 10)},
		[]int32{0, 0, 100})
	c.advance(time.Second)
	equal(t, "records refused of 1.5 MiB in one second", []int32{send(3, 512<<10)}, []int32{1})
	_, err := k.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: &events, PartitionKey: aws.String("k"),
		Data: []byte("x")})
	wantCode(t, err, "ProvisionedThroughputExceededException", "Rate exceeded")

	it := horizon(t, k, "shardId-000000000000")
	get := func() error {
		_, err := k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)})
		return err
	}
	for range 5 {
		if err := get(); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, get(), "ProvisionedThroughputExceededException", "shardId-000000000000")
	c.advance(time.Second)
	for range 3 { // three more seconds' worth of input
		send(2, 512<<10)
		c.advance(time.Second)
	}
	must(k.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}))(t) // 4 MiB: two seconds' worth
	wantCode(t, get(), "ProvisionedThroughputExceededException", "")
	c.advance(1500 * time.Millisecond)
	if err := get(); err != nil {
		t.Fatal(err)
	}
}

func TestAccountsAndRegionsAreSeparate(t *testing.T) {
	s := start(t, awsfake.Config{})
	createEvents(t, s, 1)
	_, err := kinesisAs(s, spoke).DescribeStreamSummary(t.Context(),
		&kinesis.DescribeStreamSummaryInput{StreamName: aws.String("events")})
	wantCode(t, err, "ResourceNotFoundException", "Stream events under account 222222222222 not found")
	elsewhere := once(s, hub)
	elsewhere.Region = "us-east-2"
	_, err = kinesis.NewFromConfig(elsewhere).DescribeStream(t.Context(),
		&kinesis.DescribeStreamInput{StreamName: aws.String("events")})
	wantCode(t, err, "ResourceNotFoundException", "events")
	createEvents2 := kinesisAs(s, hub)
	_, err = createEvents2.CreateStream(t.Context(),
		&kinesis.CreateStreamInput{StreamName: aws.String("events"), ShardCount: aws.Int32(1)})
	wantCode(t, err, "ResourceInUseException", "already exists")
}

func TestDescribe(t *testing.T) {
	c := newClock()
	s := start(t, awsfake.Config{Now: c.now})
	k := createEvents(t, s, 3)
	d := must(k.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamARN: &events,
		Limit: aws.Int32(2)}))(t).StreamDescription
	if *d.StreamARN != events || d.StreamStatus != types.StreamStatusActive || len(d.Shards) != 2 || !*d.HasMoreShards ||
		!d.StreamCreationTimestamp.Equal(c.now()) {
		t.Fatalf("got %+v", d)
	}
	sum := must(k.DescribeStreamSummary(t.Context(),
		&kinesis.DescribeStreamSummaryInput{StreamARN: &events}))(t).StreamDescriptionSummary
	if *sum.OpenShardCount != 3 || *sum.RetentionPeriodHours != 24 {
		t.Fatalf("got %+v", sum)
	}
	equal(t, "streams", must(k.ListStreams(t.Context(), nil))(t).StreamNames, []string{"events"})
}
