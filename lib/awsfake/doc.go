// Package awsfake stands in for the parts of AWS that a hub and its spokes use: Kinesis data streams, the DynamoDB
// operations that leases need, the standard queues of SQS, STS and S3. One [Server] answers for all of them, over HTTP
// on one loopback port, so the unmodified AWS SDK and every other client that accepts an endpoint URL can be tested
// without AWS, without containers and in milliseconds.
//
// # What is faithful
//
// Error codes, messages and HTTP statuses follow AWS, because callers decide by them.
//
//   - Kinesis: sharding by MD5 and explicit hash keys, split, merge and UpdateShardCount with parents and children,
//     every iterator type, iterators that are opaque and expire after 5 minutes, retention, paging of ListShards,
//     limits of size and number, resource policies enforced for callers of another account, and, on request, the
//     throughput limits of a shard ([Config.ShardLimits]).
//   - DynamoDB: tables with string, number and binary keys, conditional PutItem, UpdateItem and DeleteItem, Scan with
//     filters and paging.
//   - SQS: standard queues, in order of sending, with long polling, delay, visibility and batches. Receipt handles are
//     those of the last time that a message was received.
//   - STS: GetCallerIdentity, and AssumeRole for the roles in [Config.Roles], with external ids.
//   - S3: gofakes3 with its memory backend. It knows no accounts: every caller may use every bucket.
//
// # What is not
//
// Streams and tables are ACTIVE at once. Signatures are not checked, and inside its own account every caller may do
// everything. SubscribeToShard, indexes, transactions, FIFO queues, policies of queues, attributes of messages and
// encryption are missing: an operation or a parameter that is not implemented is answered with an AWS error that names
// it, never ignored. Nothing is kept after [Server.Close].
//
// # Accounts
//
// The access key carries the account: AKIA followed by the 12 digits, as [Server.AWSConfig] and [Server.Environment]
// give it. STS hands out keys of the same form that begin with ASIA. The region comes from the signature.
//
// # Faults
//
// [Server.Inject] makes chosen calls fail in a chosen way: throttled, refused, cut off, hung, applied but never
// answered. Which calls is a matter of order or of a seeded probability, never of timing, and an [Injection] counts how
// often it really happened, so that a test can tell "survived the fault" from "never met it".
package awsfake
