package awsfake

import (
	"bytes"
	"fmt"
	"time"
)

// Record is a record that a stream holds.
type Record struct {
	Shard          string
	SequenceNumber string
	PartitionKey   string
	Data           []byte
	Arrived        time.Time
}

// StreamARN is the ARN of a data stream.
func StreamARN(account, region, name string) string { return streamARN(account, region, name) }

// Records returns the records that a stream holds at the moment, in order within each shard and shard after shard.
// A stream that does not exist is an error.
func (s *Server) Records(streamARN string) ([]Record, error) {
	var out []Record
	err := s.kinesis.inspect(streamARN, func(st *stream) error {
		for _, sh := range st.shards {
			for _, r := range sh.live() {
				out = append(out, Record{sh.id, r.sequence, r.key, bytes.Clone(r.data), r.arrived})
			}
		}
		return nil
	})
	return out, err
}

// Trim makes a shard lose its records before a sequence number, as if they were older than the retention, and returns
// how many it lost. It is how tests make gaps. A sequence number of "" trims all. A stream or shard that does not exist
// is an error.
func (s *Server) Trim(streamARN, shard, before string) (int, error) {
	n := 0
	err := s.kinesis.inspect(streamARN, func(st *stream) error {
		sh := st.shard(shard)
		if sh == nil {
			return fmt.Errorf("awsfake: no shard %s in %s", shard, streamARN)
		}
		n = len(sh.live())
		if before != "" {
			n = sh.search(before)
		}
		sh.trim(n)
		return nil
	})
	return n, err
}

// TrimBefore makes all shards of a stream lose the records that arrived before t, and returns how many they lost.
// A stream that does not exist is an error.
func (s *Server) TrimBefore(streamARN string, t time.Time) (int, error) {
	sum := 0
	err := s.kinesis.inspect(streamARN, func(st *stream) error {
		for _, sh := range st.shards {
			n := sh.since(t)
			sh.trim(n)
			sum += n
		}
		return nil
	})
	return sum, err
}

// TrimToSize makes each shard of a stream lose its oldest records until it holds at most so many bytes of data, and
// returns how many records were lost. A stream that does not exist is an error.
func (s *Server) TrimToSize(streamARN string, bytesPerShard int) (int, error) {
	sum := 0
	err := s.kinesis.inspect(streamARN, func(st *stream) error {
		for _, sh := range st.shards {
			records := sh.live()
			n, size := len(records), 0
			for n > 0 && size+len(records[n-1].data) <= bytesPerShard {
				n--
				size += len(records[n].data)
			}
			sh.trim(n)
			sum += n
		}
		return nil
	})
	return sum, err
}

// inspect calls f with a stream locked.
func (k *kinesis) inspect(arn string, f func(*stream) error) error {
	k.mu.RLock()
	s := k.streams[arn]
	k.mu.RUnlock()
	if s == nil {
		return fmt.Errorf("awsfake: no stream %s", arn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(k.now())
	return f(s)
}
