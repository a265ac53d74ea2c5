package awsfake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// kinesis stands in for Amazon Kinesis Data Streams.
type kinesis struct {
	now    func() time.Time
	limits bool
	seal   cipher.AEAD // makes iterators and tokens opaque

	mu      sync.RWMutex
	streams map[string]*stream // by ARN
}

func newKinesis(now func() time.Time, limits bool) (*kinesis, error) {
	key := make([]byte, 16)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &kinesis{now: now, limits: limits, seal: seal, streams: map[string]*stream{}}, nil
}

// kinesisDataOperations are those that a shard's throughput limits.
var kinesisDataOperations = map[string]bool{"PutRecord": true, "PutRecords": true, "GetRecords": true,
	"GetShardIterator": true}

// do answers a call.
func (k *kinesis) do(c *call) (any, error) {
	switch c.action {
	case "CreateStream":
		return k.createStream(c)
	case "DeleteStream":
		return k.deleteStream(c)
	case "DescribeStream":
		return k.describeStream(c)
	case "DescribeStreamSummary":
		return k.describeStreamSummary(c)
	case "ListStreams":
		return k.listStreams(c)
	case "ListShards":
		return k.listShards(c)
	case "PutRecord":
		return k.putRecord(c)
	case "PutRecords":
		return k.putRecords(c)
	case "GetShardIterator":
		return k.getShardIterator(c)
	case "GetRecords":
		return k.getRecords(c)
	case "SplitShard":
		return k.splitShard(c)
	case "MergeShards":
		return k.mergeShards(c)
	case "UpdateShardCount":
		return k.updateShardCount(c)
	case "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod":
		return k.setRetention(c)
	case "UpdateMaxRecordSize":
		return k.updateMaxRecordSize(c)
	case "PutResourcePolicy":
		return k.putResourcePolicy(c)
	case "GetResourcePolicy":
		return k.getResourcePolicy(c)
	case "DeleteResourcePolicy":
		return k.deleteResourcePolicy(c)
	}
	return nil, unknownOperation(c)
}

func streamARN(account, region, name string) string {
	return "arn:aws:kinesis:" + region + ":" + account + ":stream/" + name
}

// streamRef is how a request names a stream.
type streamRef struct {
	StreamName, StreamARN string
}

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)

// find returns the stream, locked and with what is too old removed, if the caller may do to it what he calls for.
func (k *kinesis) find(c *call, ref streamRef) (*stream, error) {
	arn := ref.StreamARN
	if arn == "" {
		if ref.StreamName == "" {
			return nil, invalid("InvalidArgumentException", "Either StreamName or StreamARN should be provided.")
		}
		arn = streamARN(c.Account, c.Region, ref.StreamName)
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "kinesis" || !strings.HasPrefix(parts[5], "stream/") {
		return nil, invalid("ValidationException", "1 validation error detected: Value '%s' at 'streamARN' failed to "+
			"satisfy constraint: Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+", arn)
	}
	owner, name := parts[4], strings.TrimPrefix(parts[5], "stream/")
	k.mu.RLock()
	s := k.streams[arn]
	k.mu.RUnlock()
	if s == nil {
		return nil, streamNotFound(name, owner)
	}
	s.mu.Lock()
	if s.deleted {
		s.mu.Unlock()
		return nil, streamNotFound(name, owner)
	}
	if owner != c.Account && !s.policy.allows(c, c.Operation, arn) {
		s.mu.Unlock()
		return nil, invalid("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because "+
			"no resource-based policy allows the %s action", c.user, c.Operation, arn, c.Operation)
	}
	s.expire(k.now())
	return s, nil
}

func streamNotFound(name, account string) error {
	return invalid("ResourceNotFoundException", "Stream %s under account %s not found.", name, account)
}

// notEligible is the error for a shard that cannot be split or merged any more.
func notEligible(sh *shard, s *stream) error {
	return invalid("ResourceInUseException", "Shard %s in stream %s under account %s has already been merged or split, "+
		"and thus is not eligible for merging or splitting.", sh.id, s.name, s.account)
}

func noShard(id string, s *stream) error {
	return invalid("ResourceNotFoundException", "Could not find shard %s in stream %s under account %s.", id, s.name,
		s.account)
}

func (k *kinesis) createStream(c *call) (any, error) {
	in, err := decode[struct {
		StreamName         string
		ShardCount         *int
		StreamModeDetails  struct{ StreamMode string }
		MaxRecordSizeInKiB int
		Tags               map[string]string
	}](c)
	if err != nil {
		return nil, err
	}
	if !streamName.MatchString(in.StreamName) {
		return nil, invalid("ValidationException", "1 validation error detected: Value '%s' at 'streamName' failed to "+
			"satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", in.StreamName)
	}
	shards := 4 // what an on-demand stream begins with
	if in.ShardCount != nil {
		shards = *in.ShardCount
	} else if in.StreamModeDetails.StreamMode != "ON_DEMAND" {
		return nil, invalid("InvalidArgumentException", "ShardCount must be provided for a stream in PROVISIONED mode.")
	}
	if shards < 1 || shards > 10000 {
		return nil, invalid("ValidationException", "1 validation error detected: Value '%d' at 'shardCount' failed to "+
			"satisfy constraint: Member must have value between 1 and 10000", shards)
	}
	s := newStream(c.Account, c.Region, in.StreamName, shards, k.now())
	if in.MaxRecordSizeInKiB != 0 {
		if err := s.setMaxRecord(in.MaxRecordSizeInKiB); err != nil {
			return nil, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.streams[s.arn] != nil {
		return nil, invalid("ResourceInUseException", "Stream %s under account %s already exists.", s.name, s.account)
	}
	k.streams[s.arn] = s
	return nil, nil
}

func (k *kinesis) deleteStream(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		EnforceConsumerDeletion bool
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	s.deleted = true
	s.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.streams[s.arn] == s {
		delete(k.streams, s.arn)
	}
	return nil, nil
}

// streamRefs is embedded in the inputs of operations on one stream.
type streamRefs struct {
	StreamName, StreamARN string
	StreamId              string // accepted and ignored, as by AWS
}

func (r *streamRefs) ref() streamRef { return streamRef{r.StreamName, r.StreamARN} }

// seconds is a time as Kinesis writes it: seconds since 1970, with milliseconds.
type seconds time.Time

func (t seconds) MarshalJSON() ([]byte, error) { return appendSeconds(nil, time.Time(t)), nil }

func appendSeconds(b []byte, t time.Time) []byte {
	return strconv.AppendFloat(b, float64(t.UnixMilli())/1000, 'f', 3, 64)
}

func parseSeconds(f float64) time.Time { return time.UnixMilli(int64(math.Round(f * 1000))) }

type hashRange struct{ StartingHashKey, EndingHashKey string }

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shardDescription struct {
	ShardId               string
	ParentShardId         string `json:",omitempty"`
	AdjacentParentShardId string `json:",omitempty"`
	HashKeyRange          hashRange
	SequenceNumberRange   sequenceRange
}

func (s *shard) describe() shardDescription {
	return shardDescription{s.id, s.parent, s.other, hashRange{s.start.String(), s.end.String()},
		sequenceRange{s.first, s.last}}
}

func describeShards(shards []*shard) []shardDescription {
	out := make([]shardDescription, len(shards))
	for i, sh := range shards {
		out[i] = sh.describe()
	}
	return out
}

// describe gives the members that DescribeStream and DescribeStreamSummary share.
func (s *stream) describe() map[string]any {
	return map[string]any{
		"StreamName": s.name, "StreamARN": s.arn, "StreamStatus": "ACTIVE", "EncryptionType": "NONE",
		"StreamModeDetails":       map[string]string{"StreamMode": "PROVISIONED"},
		"RetentionPeriodHours":    int(s.retention / time.Hour),
		"StreamCreationTimestamp": seconds(s.created),
		"EnhancedMonitoring":      []map[string][]string{{"ShardLevelMetrics": {}}},
		"MaxRecordSizeInKiB":      s.maxRecord >> 10,
	}
}

func (k *kinesis) describeStream(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		Limit                 int
		ExclusiveStartShardId string
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	page, more := pageOf(s.shards, in.ExclusiveStartShardId, in.Limit, 100)
	d := s.describe()
	delete(d, "MaxRecordSizeInKiB")
	d["Shards"], d["HasMoreShards"] = describeShards(page), more
	return map[string]any{"StreamDescription": d}, nil
}

func (k *kinesis) describeStreamSummary(c *call) (any, error) {
	in, err := decode[streamRefs](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	d := s.describe()
	d["OpenShardCount"], d["ConsumerCount"] = len(s.open), 0
	return map[string]any{"StreamDescriptionSummary": d}, nil
}

func (k *kinesis) listStreams(c *call) (any, error) {
	in, err := decode[struct {
		Limit                               int
		ExclusiveStartStreamName, NextToken string
	}](c)
	if err != nil {
		return nil, err
	}
	prefix := streamARN(c.Account, c.Region, "")
	after := max(in.ExclusiveStartStreamName, in.NextToken)
	names := []string{}
	k.mu.RLock()
	for arn := range k.streams {
		if name, ok := strings.CutPrefix(arn, prefix); ok && name > after {
			names = append(names, name)
		}
	}
	k.mu.RUnlock()
	slices.Sort(names)
	limit := in.Limit
	if limit == 0 {
		limit = 100
	}
	out := map[string]any{"HasMoreStreams": len(names) > limit}
	if len(names) > limit {
		names = names[:limit]
		out["NextToken"] = names[limit-1]
	}
	out["StreamNames"] = names
	return out, nil
}

// pageOf returns the shards after an id, limit of them at most, and whether there are more.
func pageOf(shards []*shard, after string, limit, usual int) ([]*shard, bool) {
	if limit == 0 {
		limit = usual
	}
	for len(shards) > 0 && shards[0].id <= after {
		shards = shards[1:]
	}
	if len(shards) > limit {
		return shards[:limit], true
	}
	return shards, false
}

// shardFilter is the ShardFilter of ListShards.
type shardFilter struct {
	Type      string
	ShardId   string
	Timestamp float64
}

// shardsToken is what a NextToken of ListShards stands for.
type shardsToken struct {
	ARN     string
	After   string
	Filter  *shardFilter
	Created time.Time
}

const tokenLife = 5 * time.Minute

func (k *kinesis) listShards(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		NextToken, ExclusiveStartShardId string
		MaxResults                       *int
		StreamCreationTimestamp          float64
		ShardFilter                      *shardFilter
	}](c)
	if err != nil {
		return nil, err
	}
	limit := 1000
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > 10000 {
			return nil, invalid("ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to "+
				"satisfy constraint: Member must have value between 1 and 10000", limit)
		}
	}
	from := shardsToken{After: in.ExclusiveStartShardId, Filter: in.ShardFilter}
	ref := in.ref()
	if in.NextToken != "" {
		if in.StreamName != "" {
			return nil, invalid("InvalidArgumentException", "NextToken and StreamName cannot be provided together.")
		}
		if !k.unseal(in.NextToken, &from) {
			return nil, invalid("InvalidArgumentException", "Invalid NextToken.")
		}
		if k.now().Sub(from.Created) > tokenLife {
			return nil, invalid("ExpiredNextTokenException", "NextToken has expired.")
		}
		ref = streamRef{StreamARN: from.ARN}
	}
	s, err := k.find(c, ref)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	shards, err := s.filter(from.Filter, k.now())
	if err != nil {
		return nil, err
	}
	page, more := pageOf(shards, from.After, limit, limit)
	out := map[string]any{"Shards": describeShards(page)}
	if more {
		out["NextToken"] = k.sealed(shardsToken{s.arn, page[len(page)-1].id, from.Filter, k.now()})
	}
	return out, nil
}

// filter returns the shards that a filter of ListShards lets pass.
func (s *stream) filter(f *shardFilter, now time.Time) ([]*shard, error) {
	if f == nil {
		return s.shards, nil
	}
	at := parseSeconds(f.Timestamp)
	if f.Type == "AT_TRIM_HORIZON" {
		at = now.Add(-s.retention)
		if at.Before(s.created) {
			at = s.created
		}
	}
	var pass func(*shard) bool
	switch f.Type {
	case "AFTER_SHARD_ID":
		pass = func(sh *shard) bool { return sh.id > f.ShardId }
	case "FROM_TRIM_HORIZON":
		pass = func(*shard) bool { return true }
	case "AT_LATEST":
		pass = func(sh *shard) bool { return !sh.isClosed() }
	case "AT_TIMESTAMP", "AT_TRIM_HORIZON":
		pass = func(sh *shard) bool { return !sh.opened.After(at) && (!sh.isClosed() || sh.closed.After(at)) }
	case "FROM_TIMESTAMP":
		pass = func(sh *shard) bool { return !sh.isClosed() || !sh.closed.Before(at) }
	default:
		return nil, invalid("ValidationException", "1 validation error detected: Value '%s' at 'shardFilter.type' failed "+
			"to satisfy constraint: Member must satisfy enum value set: [AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, "+
			"AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP]", f.Type)
	}
	var out []*shard
	for _, sh := range s.shards {
		if pass(sh) {
			out = append(out, sh)
		}
	}
	return out, nil
}

// sealed encrypts what an iterator or token stands for, so that clients cannot come to depend on it.
func (k *kinesis) sealed(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only the types of this file get here
	}
	return base64.StdEncoding.EncodeToString(k.seal.Seal(nil, nil, b, nil))
}

func (k *kinesis) unseal(token string, into any) bool {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	if b, err = k.seal.Open(nil, nil, b, nil); err != nil {
		return false
	}
	return json.Unmarshal(b, into) == nil
}

// putEntry is one record to put.
type putEntry struct {
	Data                          []byte
	PartitionKey, ExplicitHashKey string
}

func (e *putEntry) size() int { return len(e.Data) + len(e.PartitionKey) }

// check returns the key's place, or what is wrong with the entry; member is where it is in the request.
func (e *putEntry) check(member string, maxRecord int) (hashKey, error) {
	if n := utf8.RuneCountInString(e.PartitionKey); n < 1 || n > 256 {
		return hashKey{}, invalid("ValidationException", "1 validation error detected: Value '%s' at '%spartitionKey' "+
			"failed to satisfy constraint: Member must have length between 1 and 256", e.PartitionKey, member)
	}
	if e.size() > maxRecord {
		return hashKey{}, invalid("ValidationException", "1 validation error detected: Value at '%sdata' failed to "+
			"satisfy constraint: Member must have length less than or equal to %d", member, maxRecord)
	}
	if e.ExplicitHashKey == "" {
		return hashOf(e.PartitionKey), nil
	}
	h, ok := parseHashKey(e.ExplicitHashKey)
	if !ok {
		return hashKey{}, invalid("InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the "+
			"range: [0, 2^128-1]. Specified value was %s", e.ExplicitHashKey)
	}
	return h, nil
}

// admit reports whether the shard's limits leave room for a record, and takes it.
func (k *kinesis) admit(sh *shard, size int, now time.Time) bool {
	if !k.limits {
		return true
	}
	if !sh.recordsIn.has(1, now) || !sh.bytesIn.has(float64(size), now) {
		return false
	}
	sh.recordsIn.take(1)
	sh.bytesIn.take(float64(size))
	return true
}

const throughputExceeded = "ProvisionedThroughputExceededException"

func rateExceeded(sh *shard, s *stream) string {
	return fmt.Sprintf("Rate exceeded for shard %s in stream %s under account %s.", sh.id, s.name, s.account)
}

func (k *kinesis) putRecord(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		putEntry
		SequenceNumberForOrdering string // order is kept anyway
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	h, err := in.check("", s.maxRecord)
	if err != nil {
		return nil, err
	}
	sh, now := s.owner(h), k.now()
	if !k.admit(sh, in.size(), now) {
		return nil, invalid(throughputExceeded, "%s", rateExceeded(sh, s))
	}
	return map[string]string{"SequenceNumber": s.put(sh, in.PartitionKey, in.Data, now), "ShardId": sh.id}, nil
}

// putResult is one entry of the answer to PutRecords.
type putResult struct {
	SequenceNumber string `json:",omitempty"`
	ShardId        string `json:",omitempty"`
	ErrorCode      string `json:",omitempty"`
	ErrorMessage   string `json:",omitempty"`
}

func (k *kinesis) putRecords(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		Records []putEntry
	}](c)
	if err != nil {
		return nil, err
	}
	if n := len(in.Records); n < 1 || n > 500 {
		return nil, invalid("ValidationException", "1 validation error detected: Value at 'records' failed to satisfy "+
			"constraint: Member must have length between 1 and 500")
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	keys := make([]hashKey, len(in.Records))
	total := 0
	for i := range in.Records {
		e := &in.Records[i]
		total += e.size()
		if keys[i], err = e.check("records."+strconv.Itoa(i+1)+".member.", s.maxRecord); err != nil {
			return nil, err
		}
	}
	if limit := s.maxRequest(); total > limit {
		return nil, invalid("InvalidArgumentException", "Records size exceeds %d MB limit", limit>>20)
	}

	refused := c.refusedRecords(len(in.Records))
	now := k.now()
	out := make([]putResult, len(in.Records))
	failed := 0
	for i := range in.Records {
		e := &in.Records[i]
		sh := s.owner(keys[i])
		code, refuse := refused[i]
		switch {
		case refuse && code == "InternalFailure":
			failed++
			out[i] = putResult{ErrorCode: code, ErrorMessage: "Internal Service Failure"}
		case refuse || !k.admit(sh, e.size(), now):
			failed++
			out[i] = putResult{ErrorCode: throughputExceeded, ErrorMessage: rateExceeded(sh, s)}
		default:
			out[i] = putResult{SequenceNumber: s.put(sh, e.PartitionKey, e.Data, now), ShardId: sh.id}
		}
	}
	return struct {
		FailedRecordCount int
		Records           []putResult
	}{failed, out}, nil
}

// refusedRecords says which of n records an injected PartialFailure refuses, and with which error.
func (c *call) refusedRecords(n int) map[int]string {
	if !c.apply(PartialFailure) {
		return nil
	}
	codes := [...]string{throughputExceeded, "InternalFailure"}
	refused := map[int]string{}
	for i, at := range c.injection.pick(n) {
		refused[at] = codes[i%2]
	}
	return refused
}

// maxRequest is the limit of a PutRecords request, in bytes.
func (s *stream) maxRequest() int {
	if s.maxRecord > 1<<20 {
		return 10 << 20
	}
	return 5 << 20
}

// iterator is what a shard iterator stands for.
type iterator struct {
	ARN      string    `json:"a"`
	Stream   time.Time `json:"t"` // when the stream was created
	Shard    string    `json:"s"`
	Position int64     `json:"p"`
	Created  time.Time `json:"c"`
}

const iteratorLife = 5 * time.Minute

func (k *kinesis) getShardIterator(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		ShardId, ShardIteratorType, StartingSequenceNumber string
		Timestamp                                          *float64
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	sh := s.shard(in.ShardId)
	if sh == nil {
		return nil, invalid("ResourceNotFoundException", "Shard %s in stream %s under account %s does not exist", in.ShardId,
			s.name, s.account)
	}
	var position int64
	switch in.ShardIteratorType {
	case "TRIM_HORIZON":
		position = sh.trimmed
	case "LATEST":
		position = sh.next()
	case "AT_TIMESTAMP":
		position, err = k.positionAt(sh, in.Timestamp)
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		position, err = s.positionOf(sh, in.StartingSequenceNumber, in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER")
	default:
		err = invalid("ValidationException", "1 validation error detected: Value '%s' at 'shardIteratorType' failed to "+
			"satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, "+
			"AT_SEQUENCE_NUMBER, TRIM_HORIZON]", in.ShardIteratorType)
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"ShardIterator": k.iterator(s, sh, position)}, nil
}

func (k *kinesis) iterator(s *stream, sh *shard, position int64) string {
	return k.sealed(iterator{s.arn, s.created, sh.id, position, k.now()})
}

func (k *kinesis) positionAt(sh *shard, timestamp *float64) (int64, error) {
	if timestamp == nil {
		return 0, invalid("InvalidArgumentException",
			"Must specify timestamp parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
	}
	at, now := parseSeconds(*timestamp), k.now()
	if at.After(now) {
		return 0, invalid("InvalidArgumentException", "The timestampInMillis parameter cannot be greater than the "+
			"currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", at.UnixMilli(), now.UnixMilli())
	}
	return sh.trimmed + int64(sh.since(at)), nil
}

var digits = regexp.MustCompile(`^(0|[1-9]\d{0,128})$`)

// positionOf is the position of a sequence number, or the one behind it.
func (s *stream) positionOf(sh *shard, sequence string, after bool) (int64, error) {
	if !digits.MatchString(sequence) {
		return 0, invalid("ValidationException", "1 validation error detected: Value '%s' at 'startingSequenceNumber' "+
			"failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})", sequence)
	}
	if len(sequence) != len(sh.first) || sequence[:23] != sh.first[:23] {
		return 0, invalid("InvalidArgumentException", "StartingSequenceNumber %s used in GetShardIterator on shard %s in "+
			"stream %s under account %s is invalid because it did not come from this stream.", sequence, sh.id, s.name,
			s.account)
	}
	if !strings.HasPrefix(sequence, sh.prefix) {
		return 0, invalid("InvalidArgumentException", "Invalid StartingSequenceNumber. It encodes shardId-%s, while it "+
			"was used in a call to a shard with %s", "0000"+sequence[23:31], sh.id)
	}
	i := sh.search(sequence)
	if live := sh.live(); after && i < len(live) && live[i].sequence == sequence {
		i++
	}
	return sh.trimmed + int64(i), nil
}

const (
	maxGetRecords = 10000
	maxGetBytes   = 10 << 20
)

func (k *kinesis) getRecords(c *call) (any, error) {
	in, err := decode[struct {
		ShardIterator, StreamARN, StreamId string
		Limit                              *int
	}](c)
	if err != nil {
		return nil, err
	}
	limit := maxGetRecords
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > maxGetRecords {
			return nil, invalid("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy "+
				"constraint: Member must have value between 1 and %d", limit, maxGetRecords)
		}
	}
	var it iterator
	if !k.unseal(in.ShardIterator, &it) || in.StreamARN != "" && in.StreamARN != it.ARN {
		return nil, invalid("InvalidArgumentException", "Invalid ShardIterator.")
	}
	s, err := k.find(c, streamRef{StreamARN: it.ARN})
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := k.now()
	if now.Sub(it.Created) > iteratorLife || c.apply(ExpiredIterator) {
		return nil, invalid("ExpiredIteratorException", "Iterator expired. The iterator was created at time %s while "+
			"right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			it.Created.UTC().Format(time.UnixDate), now.UTC().Format(time.UnixDate), iteratorLife.Milliseconds())
	}
	sh := s.shard(it.Shard)
	if sh == nil || !it.Stream.Equal(s.created) {
		return nil, invalid("ResourceNotFoundException", "Shard %s in stream %s under account %s does not exist", it.Shard,
			s.name, s.account)
	}
	if k.limits && !(sh.gets.has(1, now) && sh.bytesO.has(1, now)) {
		return nil, invalid(throughputExceeded, "%s", rateExceeded(sh, s))
	}
	records, position := sh.from(it.Position)
	if len(records) > 0 && c.apply(EmptyPage) {
		limit = 0
	}
	n, size := fit(records, limit)
	if k.limits {
		sh.gets.take(1)
		sh.bytesO.take(float64(size)) // may go below zero: then the next calls wait until it is paid for
	}
	return k.recordsPage(s, sh, records, n, size, position, now), nil
}

// fit is how many of the records one answer holds, and their size.
func fit(records []storedRecord, limit int) (n, size int) {
	for n < min(len(records), limit) {
		r := &records[n]
		if size += len(r.data) + len(r.key); size > maxGetBytes && n > 0 {
			return n, size - len(r.data) - len(r.key)
		}
		n++
	}
	return n, size
}

// recordsPage writes the answer to GetRecords by hand: it is most of what the server sends.
func (k *kinesis) recordsPage(s *stream, sh *shard, records []storedRecord, n, size int, position int64,
	now time.Time) []byte {
	b := make([]byte, 0, 1024+size*4/3+n*200)
	b = append(b, `{"Records":[`...)
	for i := range records[:n] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRecord(b, &records[i])
	}
	b = append(b, `],"MillisBehindLatest":`...)
	b = strconv.AppendInt(b, behind(records[n:], now), 10)
	if sh.isClosed() && n == len(records) {
		b = append(b, `,"ChildShards":`...)
		b = append(b, marshal(childShards(s.children(sh.id)))...)
	} else {
		b = append(b, `,"NextShardIterator":"`...)
		b = append(b, k.iterator(s, sh, position+int64(n))...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendRecord(b []byte, r *storedRecord) []byte {
	b = append(b, `{"SequenceNumber":"`...)
	b = append(b, r.sequence...)
	b = append(b, `","ApproximateArrivalTimestamp":`...)
	b = appendSeconds(b, r.arrived)
	b = append(b, `,"PartitionKey":`...)
	b = append(b, marshal(r.key)...)
	b = append(b, `,"Data":"`...)
	b = base64.StdEncoding.AppendEncode(b, r.data)
	return append(b, `"}`...)
}

// marshal encodes what is known to have a JSON form.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// behind is how old the oldest unread record is, in milliseconds; 0 means that there is none.
func behind(unread []storedRecord, now time.Time) int64 {
	if len(unread) == 0 {
		return 0
	}
	return max(now.Sub(unread[0].arrived).Milliseconds(), 1)
}

type childShard struct {
	ShardId      string
	ParentShards []string
	HashKeyRange hashRange
}

func childShards(shards []*shard) []childShard {
	out := make([]childShard, len(shards))
	for i, sh := range shards {
		parents := []string{sh.parent}
		if sh.other != "" {
			parents = append(parents, sh.other)
		}
		out[i] = childShard{sh.id, parents, hashRange{sh.start.String(), sh.end.String()}}
	}
	return out
}

func (k *kinesis) splitShard(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		ShardToSplit, NewStartingHashKey string
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	sh := s.shard(in.ShardToSplit)
	if sh == nil {
		return nil, noShard(in.ShardToSplit, s)
	}
	if sh.isClosed() {
		return nil, notEligible(sh, s)
	}
	at, ok := parseHashKey(in.NewStartingHashKey)
	if !ok || at.compare(sh.start) <= 0 || at.compare(sh.end) >= 0 {
		return nil, invalid("InvalidArgumentException", "NewStartingHashKey %s used in SplitShard() on shard %s in stream "+
			"%s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's "+
			"EndingHashKey %s.",
			in.NewStartingHashKey, sh.id, s.name, s.account, sh.start, sh.end)
	}
	s.split(sh, at, k.now())
	return nil, nil
}

func (k *kinesis) mergeShards(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		ShardToMerge, AdjacentShardToMerge string
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var pair [2]*shard
	for i, id := range []string{in.ShardToMerge, in.AdjacentShardToMerge} {
		if pair[i] = s.shard(id); pair[i] == nil {
			return nil, noShard(id, s)
		}
		if pair[i].isClosed() {
			return nil, notEligible(pair[i], s)
		}
	}
	a, b := slices.Index(s.open, pair[0]), slices.Index(s.open, pair[1])
	if a-b != 1 && b-a != 1 {
		return nil, invalid("InvalidArgumentException", "Shards %s and %s in stream %s under account %s are not an "+
			"adjacent pair of shards eligible for merging", pair[0].id, pair[1].id, s.name, s.account)
	}
	s.merge(pair[0], pair[1], k.now())
	return nil, nil
}

func (k *kinesis) updateShardCount(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		TargetShardCount int
		ScalingType      string
	}](c)
	if err != nil {
		return nil, err
	}
	if in.ScalingType != "UNIFORM_SCALING" {
		return nil, invalid("ValidationException", "1 validation error detected: Value '%s' at 'scalingType' failed to "+
			"satisfy constraint: Member must satisfy enum value set: [UNIFORM_SCALING]", in.ScalingType)
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	current, target := len(s.open), in.TargetShardCount
	if target > 2*current {
		return nil, invalid("InvalidArgumentException", "UpdateShardCount cannot scale up over double your current open "+
			"shard count. Current open shard count: %d Target shard count: %d", current, target)
	}
	if target < 1 || 2*target < current {
		return nil, invalid("InvalidArgumentException", "UpdateShardCount cannot scale down below half your current open "+
			"shard count. Current open shard count: %d Target shard count: %d", current, target)
	}
	s.scale(target, k.now())
	return map[string]any{"StreamName": s.name, "StreamARN": s.arn, "CurrentShardCount": current,
		"TargetShardCount": target}, nil
}

func (k *kinesis) setRetention(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		RetentionPeriodHours int
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	hours, current := in.RetentionPeriodHours, int(s.retention/time.Hour)
	switch {
	case hours < 24:
		return nil, invalid("InvalidArgumentException",
			"Minimum allowed retention period is 24 hours. Requested retention period (%d hours) is too short.", hours)
	case hours > 8760:
		return nil, invalid("InvalidArgumentException",
			"Maximum allowed retention period is 8760 hours. Requested retention period (%d hours) is too long.", hours)
	case c.action == "IncreaseStreamRetentionPeriod" && hours < current:
		return nil, invalid("InvalidArgumentException", "Requested retention period (%d hours) for stream %s can not be "+
			"shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, s.name, current)
	case c.action == "DecreaseStreamRetentionPeriod" && hours > current:
		return nil, invalid("InvalidArgumentException", "Requested retention period (%d hours) for stream %s can not be "+
			"longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, s.name, current)
	}
	s.retention = time.Duration(hours) * time.Hour
	s.expire(k.now())
	return nil, nil
}

func (k *kinesis) updateMaxRecordSize(c *call) (any, error) {
	in, err := decode[struct {
		streamRefs
		MaxRecordSizeInKiB int
	}](c)
	if err != nil {
		return nil, err
	}
	s, err := k.find(c, in.ref())
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return nil, s.setMaxRecord(in.MaxRecordSizeInKiB)
}

func (s *stream) setMaxRecord(kib int) error {
	if kib < 1024 || kib > 10240 {
		return invalid("ValidationException", "1 validation error detected: Value '%d' at 'maxRecordSizeInKiB' failed to "+
			"satisfy constraint: Member must have value between 1024 and 10240", kib)
	}
	s.maxRecord = kib << 10
	return nil
}

type policyInput struct {
	ResourceARN, Policy, StreamId string
}

// findOwn returns the stream of a policy call, locked; only the owner may call.
func (k *kinesis) findOwn(c *call) (*stream, *policyInput, error) {
	in, err := decode[policyInput](c)
	if err != nil {
		return nil, nil, err
	}
	s, err := k.find(c, streamRef{StreamARN: in.ResourceARN})
	if err != nil {
		return nil, nil, err
	}
	if s.account != c.Account {
		s.mu.Unlock()
		return nil, nil, invalid("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s", c.user,
			c.Operation, s.arn)
	}
	return s, in, nil
}

func (k *kinesis) putResourcePolicy(c *call) (any, error) {
	s, in, err := k.findOwn(c)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	p, err := parsePolicy(in.Policy)
	if err != nil {
		return nil, invalid("InvalidArgumentException", "Invalid policy document: %v", err)
	}
	s.policy, s.policyDoc = p, in.Policy
	return nil, nil
}

func (k *kinesis) getResourcePolicy(c *call) (any, error) {
	s, _, err := k.findOwn(c)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return map[string]string{"Policy": s.policyDoc}, nil
}

func (k *kinesis) deleteResourcePolicy(c *call) (any, error) {
	s, _, err := k.findOwn(c)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if s.policy == nil {
		return nil, invalid("ResourceNotFoundException", "The resource-based policy for %s does not exist.", s.arn)
	}
	s.policy, s.policyDoc = nil, ""
	return nil, nil
}
