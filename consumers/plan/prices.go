package plan

// Price is what AWS charges for a unit of something, on demand, without discounts and free
// tiers.
type Price struct {
	// Name of what is charged for.
	Name string `json:"name"`
	// USD for one Unit.
	USD float64 `json:"usd"`
	// Unit, such as "GB-month".
	Unit string `json:"unit"`
	// Source is the page on which AWS says it.
	Source string `json:"source"`
}

const (
	// PricesOf is when the prices were written down. Compare them with the pages before you
	// sign anything.
	PricesOf = "November 2026"
	// PricesRegion is the region that they are of.
	PricesRegion = "us-east-1"
)

// Prices returns all prices that a plan is computed with.
func Prices() []Price { return append([]Price{}, prices[:]...) }

// item is a thing with a price.
type item int

const (
	acuHour item = iota
	auroraGBMonth
	auroraBackupGBMonth
	auroraIO
	streamHour
	streamGBIn
	streamGBOut
	streamGBMonth
	shardHour
	shardRetentionHour
	payloadUnit
	lambdaGBSecond
	lambdaRequest
	instanceHour
	volumeGBMonth
	fargateCPUHour
	fargateGBHour
	endpointHour
	objectPut
	objectGBMonth
	authorMonth
	readerMonth
	keyMonth
	keyRequest
	alarmMonth
	metricMonth
	logGB
	leaseWrite
	leaseRead
	queueRequest
	secretMonth
	costExplorerRequest
	guardDutyEvent
)

const (
	auroraPage     = "https://aws.amazon.com/rds/aurora/pricing/"
	kinesisPage    = "https://aws.amazon.com/kinesis/data-streams/pricing/"
	lambdaPage     = "https://aws.amazon.com/lambda/pricing/"
	fargatePage    = "https://aws.amazon.com/fargate/pricing/"
	s3Page         = "https://aws.amazon.com/s3/pricing/"
	quickSightPage = "https://aws.amazon.com/quicksight/pricing/"
	kmsPage        = "https://aws.amazon.com/kms/pricing/"
	cloudWatchPage = "https://aws.amazon.com/cloudwatch/pricing/"
	dynamoDBPage   = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
)

const million = 1_000_000

var prices = [...]Price{
	acuHour:             {"Aurora Serverless v2", 0.12, "ACU-hour", auroraPage},
	auroraGBMonth:       {"Aurora storage", 0.10, "GB-month", auroraPage},
	auroraBackupGBMonth: {"Aurora backup storage", 0.021, "GB-month", auroraPage},
	auroraIO:            {"Aurora I/O", 0.20 / million, "request", auroraPage},
	streamHour:          {"Kinesis stream on demand", 0.04, "hour", kinesisPage},
	streamGBIn:          {"Kinesis on demand, written, each record rounded up to 1 KB", 0.08, "GB", kinesisPage},
	streamGBOut:         {"Kinesis on demand, read", 0.04, "GB", kinesisPage},
	streamGBMonth:       {"Kinesis on demand, kept longer than a day", 0.10, "GB-month", kinesisPage},
	shardHour:           {"Kinesis shard", 0.015, "hour", kinesisPage},
	shardRetentionHour:  {"Kinesis shard, kept longer than a day", 0.02, "hour", kinesisPage},
	payloadUnit:         {"Kinesis provisioned, written, 25 KB", 0.014 / million, "unit", kinesisPage},
	lambdaGBSecond:      {"Lambda on arm64", 0.0000133334, "GB-second", lambdaPage},
	lambdaRequest:       {"Lambda", 0.20 / million, "request", lambdaPage},
	instanceHour:        {"EC2 t4g.small", 0.0168, "hour", "https://aws.amazon.com/ec2/pricing/on-demand/"},
	volumeGBMonth:       {"EBS gp3", 0.08, "GB-month", "https://aws.amazon.com/ebs/pricing/"},
	fargateCPUHour:      {"Fargate on arm64, vCPU", 0.03238, "hour", fargatePage},
	fargateGBHour:       {"Fargate on arm64, memory", 0.00356, "GB-hour", fargatePage},
	endpointHour:        {"interface endpoint in one zone", 0.01, "hour", "https://aws.amazon.com/privatelink/pricing/"},
	objectPut:           {"S3 PUT", 0.005 / 1000, "request", s3Page},
	objectGBMonth:       {"S3 Standard", 0.023, "GB-month", s3Page},
	authorMonth:         {"QuickSight author", 24, "month", quickSightPage},
	readerMonth:         {"QuickSight reader", 3, "month", quickSightPage},
	keyMonth:            {"KMS key", 1, "month", kmsPage},
	keyRequest:          {"KMS", 0.03 / 10_000, "request", kmsPage},
	alarmMonth:          {"CloudWatch alarm, for each of its metrics", 0.10, "month", cloudWatchPage},
	metricMonth:         {"CloudWatch metric of one's own", 0.30, "month", cloudWatchPage},
	logGB:               {"CloudWatch Logs, written", 0.50, "GB", cloudWatchPage},
	leaseWrite:          {"DynamoDB on demand, write", 0.625 / million, "request unit", dynamoDBPage},
	leaseRead:           {"DynamoDB on demand, read", 0.125 / million, "request unit", dynamoDBPage},
	queueRequest:        {"SQS", 0.40 / million, "request", "https://aws.amazon.com/sqs/pricing/"},
	secretMonth:         {"Secrets Manager secret", 0.40, "month", "https://aws.amazon.com/secrets-manager/pricing/"},
	costExplorerRequest: {"Cost Explorer", 0.01, "request",
		"https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/"},
	guardDutyEvent: {"GuardDuty, management events of CloudTrail", 4.0 / million, "event",
		"https://aws.amazon.com/guardduty/pricing/"},
}

// usd returns the price of so many units.
func usd(i item, units float64) float64 { return prices[i].USD * units }
