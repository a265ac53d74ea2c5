// Package kcl drives a [stream.Sink] with the records of a Kinesis data stream. It
// finds the shards, shares them with other workers by leases in a DynamoDB table,
// and reads them, with the help of vmware-go-kcl-v2.
//
//	hub ──▶ Worker.Run ──▶ vmware-go-kcl-v2: passes over the shards, a goroutine for each that is read
//	                           │ calls                        │ records
//	                           ▼                              ▼
//	             leases (DynamoDB), reads (Kinesis)      Sink.Open, Session.Deliver, End
//
// # Positions and leases
//
// Positions are the Sink's alone: a worker that has taken a lease asks
// Sink.Progress where to go on. DynamoDB holds leases and nothing else. A lease
// table that is lost, stale or wrong harms nothing: two workers may then read the
// same shard for a while, and the Sink applies the records of one of them.
//
// A lease has an owner, the lease duration of that owner, and a text that changes with
// every renewal. A worker takes a lease over if it is free, or if its text has not
// changed for the owner's lease duration by the taker's clock, so that clocks need not
// agree. All writes to a lease are conditional on its owner. A renewal that fails is
// tried again while the lease lasts; then the session is abandoned, a fifth of the
// lease duration before anybody else can have the shard.
//
// Every worker also has a row "worker/name" in the table, so that all know among
// how many the shards are shared.
//
// A shard is read after all its parents that the stream still lists have ended, as
// far as the Sink is concerned: their last records are applied then.
//
// # The library's hazards
//
// Version 1.0.0 of vmware-go-kcl-v2 is its last. Used without care it loses records,
// leaves shards unread and can be brought down by one record. This is how it is used
// here; every item has a test of its number (TestItem01… and so on).
//
//  1. Records with the magic of the Kinesis Producer Library make it drop a whole
//     read, or panic. It does not get to see the magic.
//  2. It starts new shards at the newest record. Here it is the oldest one, or
//     Config.Start.
//  3. It lets a child overtake a parent without a checkpoint, and does not know the
//     second parent of a merge. Parents are looked at here before a lease is taken.
//  4. It believes itself the owner of a lease that it only read about, and then
//     never takes it. It gets to see an owner only when it has the lease.
//  5. It mistakes a former worker of the same name for itself. Each Run has a new
//     name.
//  6. It drops a lease at the first renewal that fails and tells nobody. Renewal is
//     done here, and every way out of a shard ends in the session's Drain, End or
//     Abandon.
//  7. Its checkpoints are unconditional writes. It makes none.
//  8. Its shutdown can wait for ever. Reads end at once when the context of Run is
//     done, what was read is not delivered to its end, and Run returns after
//     Config.DrainTimeout in any case.
//  9. It reports the end of a shard although the last records were refused. A
//     session that failed is never ended.
//  10. It leaves a shard when an iterator expires, after five minutes of
//     back-pressure. Iterators are renewed here, after the last record read.
//  11. It sets no time limit. Reads have one, and after three lease durations
//     without a good read the lease is given up.
//  12. It takes one lease per pass and reads every lease twice in each. A pass that
//     took a lease is followed by the next at once, and a pass reads the lease
//     table once.
//  13. Its stealing of leases does not work. It is off: a worker takes no more than
//     its share, and gives up in order what it has above it.
//  14. It creates the lease table, unasked. Here a table that is missing is an error
//     that names the command.
//  15. It ignores the numbers within an aggregate. Nothing is unpacked here:
//     a record is what the stream holds.
//  16. It forgets shards that one list lacks. Here a shard is gone when two lists in
//     a row lack it, and if it was not read to its end the Sink is told of a
//     [stream.Gap].
//  17. Its enhanced fan-out does not survive errors. It polls.
//  18. It gives up after five throttled reads, sleeps for hours when KMS throttles,
//     and can end the process. Reads that may succeed are made again every second,
//     and it is given no way to end the process.
//
// A panic in the Sink is an error that abandons the session; the library recovers
// none.
//
// # Gaps
//
// Kinesis does not say that a position was trimmed. A worker therefore resumes AT
// its position: if the record of the position comes first, and is passed over,
// nothing is missing. If a later one comes first, the position is older than what
// the stream keeps, and Sink.Gap is told before that record is delivered. Kinesis may
// also refuse the position, or reads from it may find nothing although they are as far
// behind as the stream goes back (both were seen). Then the shard is read from its
// oldest record, and the worker looks for the same.
//
// The check never misses records that were trimmed, but it cannot tell them from
// records that never were: a shard that had no records for longer than the retention,
// while nobody read it, looks the same, and its Gap may be empty. A Sink may be told of
// the same gap again, when the records behind it were not applied before the next
// attempt. No gap is told of a shard that came and went unread and that the Sink does
// not know, unless a worker saw it in the list of shards.
//
// # Memory
//
// Records that were read and that the Sink has not accepted take 40 MiB at most, of
// all shards together. A read waits until there is room for the 10 MiB that it may
// return, so that shards take turns while the Sink blocks.
//
// # Permissions
//
// kinesis: DescribeStreamSummary, ListShards, GetShardIterator, GetRecords.
// dynamodb: DescribeTable, Scan, UpdateItem, DeleteItem.
// CreateLeaseTable, for local stacks, also needs dynamodb:CreateTable.
//
// # Limits
//
//   - A share is the shards divided by the workers, rounded up: of five workers for
//     six shards, two get none.
//   - A worker with a Sink that no longer applies anything, but does not fail either,
//     keeps its shards, and in the end reads none of them, unless Config.Ready says so.
//   - A read waits in the library for up to five seconds after a full one of 10 MB,
//     as the limits of a shard demand.
package kcl
