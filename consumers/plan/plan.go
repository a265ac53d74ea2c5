// Package plan computes what a hub and its spokes cost in a year, from figures that the
// caller knows or that are assumed, and from one table of prices.
package plan

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Input says what is planned. The zero value of a field is its default, which
// [Input.WithDefaults] fills in. The tags are for command lines.
type Input struct {
	Accounts int `json:"accounts" placeholder:"100" help:"Accounts that are collected. Defaults to 100."`
	Regions  int `json:"regions" placeholder:"2" help:"Regions that are collected in each account. Defaults to 2."`
	Rows     int `json:"rows" placeholder:"5000" help:"Rows of an account, of all categories and regions. Defaults to 2,500 for each region."`

	Runs         float64  `json:"runs" placeholder:"1187" help:"Runs of an account in a day, as 'spoke plan' says. Defaults to 315, and 436 for each region."`
	Requests     float64  `json:"requests" placeholder:"1994" help:"Requests to AWS of an account in a day. Defaults to twice what 'spoke plan' says at least."`
	PaidRequests *float64 `json:"paid_requests" placeholder:"6.67" help:"Requests to Cost Explorer of an account in a day. Defaults to 6.67: all categories, an ordinary account."`
	Objects      float64  `json:"objects" placeholder:"1093" help:"Objects of an account in the archive in a day. Defaults to those of 'spoke plan' if a fifth of the runs find something changed."`
	Megabytes    float64  `json:"megabytes" placeholder:"2" help:"Megabytes of an account in the stream in a day. Defaults to 100 bytes for each row, four times."`
	Seconds      float64  `json:"seconds" placeholder:"1660" help:"Seconds that the Lambda function of a spoke runs in a day. Defaults to 830 for each region."`

	WriterACU float64 `json:"writer_acu" name:"writer-acu" placeholder:"1.5" help:"Capacity of the writing instance of Aurora on average. Defaults to 1.5."`
	ReaderACU float64 `json:"reader_acu" name:"reader-acu" placeholder:"1" help:"Capacity of the reading instance on average. Defaults to 1."`
	NoReader  bool    `json:"no_reader" help:"There is no reading instance."`

	Shards    int           `json:"shards" placeholder:"1" help:"Shards of a provisioned stream. Defaults to a stream on demand."`
	Retention time.Duration `json:"-" placeholder:"7d" help:"How long the stream keeps records. Defaults to 7 days."`

	Zones           int  `json:"zones" placeholder:"2" help:"Zones with interface endpoints. Defaults to 2."`
	ManualBootstrap bool `json:"manual_bootstrap" help:"The roles of the database are made by hand: no endpoint for Secrets Manager."`
	ArchiveDays     int  `json:"archive_days" placeholder:"400" help:"How many days the archive is kept. Defaults to 400."`

	Authors      int  `json:"authors" placeholder:"2" help:"Authors of QuickSight. Defaults to 2."`
	Readers      int  `json:"readers" placeholder:"16" help:"Readers of QuickSight. Defaults to 16."`
	NoQuickSight bool `json:"no_quicksight" name:"no-quicksight" help:"Charts are made by another tool."`
}

// Limits of an input, so that sums stay numbers.
const most = 1_000_000_000

// Validate reports every fault of the input.
func (in Input) Validate() error {
	var faults []error
	check := func(flag string, value float64) {
		if !(value >= 0 && value <= most) {
			faults = append(faults, fmt.Errorf("--%s must be between 0 and %d", flag, most))
		}
	}
	for flag, value := range map[string]int{"accounts": in.Accounts, "regions": in.Regions, "rows": in.Rows,
		"shards": in.Shards, "zones": in.Zones, "archive-days": in.ArchiveDays, "authors": in.Authors,
		"readers": in.Readers} {
		check(flag, float64(value))
	}
	for flag, value := range map[string]float64{"runs": in.Runs, "requests": in.Requests, "objects": in.Objects,
		"megabytes": in.Megabytes, "seconds": in.Seconds, "writer-acu": in.WriterACU, "reader-acu": in.ReaderACU} {
		check(flag, value)
	}
	if in.PaidRequests != nil {
		check("paid-requests", *in.PaidRequests)
	}
	if in.NoReader && in.ReaderACU > 0 {
		faults = append(faults, errors.New("--reader-acu is for a reading instance: leave it or --no-reader out"))
	}
	if in.NoQuickSight && in.Authors+in.Readers > 0 {
		faults = append(faults, errors.New("--authors and --readers are for QuickSight: leave them or --no-quicksight out"))
	}
	if in.Retention != 0 && (in.Retention < day || in.Retention > 7*day) {
		faults = append(faults, errors.New("--retention must be between 24h and 7d: longer has other prices"))
	}
	return errors.Join(faults...)
}

const day = 24 * time.Hour

// WithDefaults returns the input with what is assumed where it says nothing.
func (in Input) WithDefaults() Input {
	set := func(field *float64, value float64) {
		if *field == 0 {
			*field = value
		}
	}
	count := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	count(&in.Accounts, 100)
	count(&in.Regions, 2)
	regions := float64(in.Regions)
	count(&in.Rows, 2500*in.Regions)
	set(&in.Runs, 315+436*regions)
	set(&in.Requests, 2*(185+406*regions))
	if in.PaidRequests == nil {
		in.PaidRequests = new(6.67)
	}
	set(&in.Objects, 331+381*regions)
	set(&in.Megabytes, float64(in.Rows)*rowBytes*sendings/million)
	set(&in.Seconds, 830*regions)
	set(&in.WriterACU, 1.5)
	if !in.NoReader {
		set(&in.ReaderACU, 1)
	}
	if in.Retention == 0 {
		in.Retention = 7 * day
	}
	count(&in.Zones, 2)
	count(&in.ArchiveDays, 400)
	if !in.NoQuickSight {
		count(&in.Authors, 2)
		count(&in.Readers, 16)
	}
	return in
}

// Amounts are USD a year, by what runs the consumer of the hub.
type Amounts struct {
	Lambda  float64 `json:"lambda"`
	EC2     float64 `json:"ec2"`
	Fargate float64 `json:"fargate"`
}

func same(amount float64) Amounts { return Amounts{amount, amount, amount} }

func (a Amounts) plus(b Amounts) Amounts {
	return Amounts{a.Lambda + b.Lambda, a.EC2 + b.EC2, a.Fargate + b.Fargate}
}

// Line is one thing that the hub costs.
type Line struct {
	Name string `json:"name"`
	// USD in a year.
	USD Amounts `json:"usd"`
	// Note says what is in it.
	Note string `json:"note"`
}

// SpokeLine is one thing that all spokes together cost.
type SpokeLine struct {
	Name string `json:"name"`
	// USD in a year.
	USD  float64 `json:"usd"`
	Note string  `json:"note"`
}

// Lever is a change of the plan.
type Lever struct {
	Name string `json:"name"`
	// USD that it adds in a year to hub (with Lambda) and spokes: negative where it saves.
	USD float64 `json:"usd"`
}

// Plan is what a hub and its spokes cost in a year.
type Plan struct {
	// Input that it was computed from, with defaults.
	Input  Input       `json:"input"`
	Hub    []Line      `json:"hub"`
	Total  Amounts     `json:"hub_total"`
	Spokes []SpokeLine `json:"spokes"`
	// Levers are the largest first.
	Levers []Lever `json:"levers"`
	// Cheapest is the hub with Lambda and every lever that leaves it useful.
	Cheapest float64 `json:"cheapest_useful_hub"`
	// Assumed is what was assumed besides the input, for people.
	Assumed []string `json:"assumed"`
}

// What is assumed.
const (
	rowBytes      = 100  // of a row in the stream
	sendings      = 4    // of each row in a day
	recordKB      = 1    // which a record in the stream counts for at least
	manifestBytes = 3000 // of an object on average, besides its rows

	databaseGB    = 10      // without a row
	rowKB         = 4       // of a row in the database, with indexes and what is gone
	backups       = 2       // times the size of the database
	ioPerRun      = 10      // requests of Aurora
	onDemand      = 4       // shards of a stream on demand
	window        = 5       // seconds for which Lambda gathers records
	batchSeconds  = 0.3     // that it takes to apply them
	refreshes     = 288     // a day
	refreshTakes  = 3       // seconds
	refreshGB     = 0.25    // of its Lambda function
	functionGB    = 0.5     // of the other Lambda functions
	volumeGB      = 8       // of the instance
	tasks         = 2       // of Fargate
	taskCPU       = 0.25    // vCPU
	taskGB        = 0.5     // of memory
	leaseSeconds  = 5       // between writes of a lease, and between looks at all
	keys          = 4       // of KMS
	keyRequests   = 140_000 // a month
	metrics       = 9       // of its own
	hubLogsGB     = 3       // a month
	secrets       = 2
	small         = 10  // USD a year for notifications, queues, flow and access logs
	invocations   = 126 // of a spoke in a day, by schedules
	polls         = 5   // of a queue by Lambda, all the time, each for pollSeconds
	pollSeconds   = 20
	logBytes      = 400 // of a run
	pagesPerTen   = 2   // of linked_account_costs in a day, for each ten accounts
	hours         = 8760.0
	days          = 365.0
	months        = 12.0
	secondsOfADay = 86_400.0

	// Metrics that alarms watch, by what runs the consumer.
	alarmsOnLambda, alarmsOnServers = 28, 24
)

// New computes the plan. The input must be valid.
func New(in Input) Plan {
	in = in.WithDefaults()
	p := Plan{Input: in, Hub: in.hub(), Spokes: in.spokes(), Assumed: assumed()}
	p.Total = total(p.Hub)
	p.Levers = in.levers()
	p.Cheapest = total(in.cheapest().hub()).Lambda
	return p
}

func total(lines []Line) (sum Amounts) {
	for _, l := range lines {
		sum = sum.plus(l.USD)
	}
	return sum
}

// shards returns how many shards are read.
func (in Input) shards() float64 {
	if in.Shards > 0 {
		return float64(in.Shards)
	}
	return onDemand
}

// records returns how many records the stream takes in a day: an end for each run, and a
// part for each that is not empty and not unchanged, which has an object besides its
// manifest.
func (in Input) records() float64 {
	return float64(in.Accounts) * (in.Runs + in.Objects/2)
}

func (in Input) hub() []Line {
	database := usd(acuHour, hours*(in.WriterACU+in.ReaderACU)) + in.databaseStorage()
	return []Line{
		{"database", same(database), "Aurora: " + in.capacity() + " on average, storage, I/O, backups"},
		{"stream", same(in.stream()), in.streamNote()},
		{"consumer", in.consumer(), "arm64; with views"},
		{"endpoints", in.endpoints(), "of interfaces; those of S3 and DynamoDB are free"},
		{"archive", same(in.archive()), fmt.Sprintf("%s objects a day, kept for %d days",
			thousands(float64(in.Accounts)*in.Objects), in.ArchiveDays)},
		{"QuickSight", same(months * (usd(authorMonth, float64(in.Authors)) + usd(readerMonth, float64(in.Readers)))),
			fmt.Sprintf("%d authors, %d readers", in.Authors, in.Readers)},
		{"keys", same(months * (usd(keyMonth, keys) + usd(keyRequest, keyRequests))), fmt.Sprintf("%d of KMS", keys)},
		{"watching", watching(), "alarms, metrics, logs"},
		{"leases", in.leases(), "of the consumers, in DynamoDB"},
		{"other", same(months*usd(secretMonth, secrets) + small), "secrets, notifications, queues"},
	}
}

func (in Input) capacity() string {
	if in.NoReader {
		return fmt.Sprintf("%v ACU", in.WriterACU)
	}
	return fmt.Sprintf("%v + %v ACU", in.WriterACU, in.ReaderACU)
}

func (in Input) databaseStorage() float64 {
	gb := databaseGB + float64(in.Accounts)*float64(in.Rows)*rowKB/million
	return months*(usd(auroraGBMonth, gb)+usd(auroraBackupGBMonth, backups*gb)) +
		usd(auroraIO, days*float64(in.Accounts)*in.Runs*ioPerRun)
}

// stream is charged by the hour, and by what is written: on demand a record counts as 1 KB
// at least, so each is taken for half of that more than it has.
func (in Input) stream() float64 {
	longer := (in.Retention - day).Hours() / 24
	if in.Shards > 0 {
		cost := usd(shardHour, hours*in.shards()) + usd(payloadUnit, days*in.records())
		if longer > 0 {
			cost += usd(shardRetentionHour, hours*in.shards())
		}
		return cost
	}
	gb := (float64(in.Accounts)*in.Megabytes + in.records()*recordKB/2/1000) / 1000 // a day
	return usd(streamHour, hours) + days*(usd(streamGBIn, gb)+usd(streamGBOut, gb)) +
		months*usd(streamGBMonth, gb*longer)
}

func (in Input) streamNote() string {
	kept := fmt.Sprintf("kept for %v days", in.Retention.Hours()/24)
	if in.Shards > 0 {
		return fmt.Sprintf("%d provisioned, %s", in.Shards, kept)
	}
	return fmt.Sprintf("on demand, %.0f MB a day, %s", float64(in.Accounts)*in.Megabytes, kept)
}

// consumer is a Lambda function that is invoked for what came within the window of each
// shard, and one that refreshes the views; an instance; or tasks.
func (in Input) consumer() Amounts {
	batches := min(in.shards()*secondsOfADay/window, in.records())
	lambda := days * (usd(lambdaRequest, batches+refreshes) +
		usd(lambdaGBSecond, functionGB*batches*batchSeconds+refreshGB*refreshes*refreshTakes))
	return Amounts{
		Lambda:  lambda,
		EC2:     usd(instanceHour, hours) + months*usd(volumeGBMonth, volumeGB),
		Fargate: tasks * hours * (usd(fargateCPUHour, taskCPU) + usd(fargateGBHour, taskGB)),
	}
}

// endpoints are those of the stream for all, of logs for what is no Lambda function, and two
// of the registry for Fargate, in each zone; and one in one zone that bootstraps.
func (in Input) endpoints() Amounts {
	each := func(endpoints int) float64 {
		n := endpoints * in.Zones
		if !in.ManualBootstrap {
			n++
		}
		return usd(endpointHour, hours*float64(n))
	}
	return Amounts{Lambda: each(1), EC2: each(2), Fargate: each(4)}
}

// watching has more alarms where there are more functions.
func watching() Amounts {
	each := func(alarms float64) float64 {
		return months * (usd(alarmMonth, alarms) + usd(metricMonth, metrics) + usd(logGB, hubLogsGB))
	}
	return Amounts{Lambda: each(alarmsOnLambda), EC2: each(alarmsOnServers), Fargate: each(alarmsOnServers)}
}

func (in Input) archive() float64 {
	objects := float64(in.Accounts) * in.Objects // a day
	gb := (objects*manifestBytes/million + float64(in.Accounts)*in.Megabytes) / 1000
	return days*usd(objectPut, objects) + months*usd(objectGBMonth, gb*float64(in.ArchiveDays))
}

// leases are renewed and looked at by consumers that are no Lambda functions.
func (in Input) leases() Amounts {
	turns := days * secondsOfADay / leaseSeconds
	one := usd(leaseWrite, turns*in.shards()) + usd(leaseRead, turns)
	return Amounts{EC2: one, Fargate: one + usd(leaseRead, turns)}
}

func (in Input) spokes() []SpokeLine {
	accounts := float64(in.Accounts)
	lambda := usd(lambdaGBSecond, in.Seconds*functionGB) + usd(lambdaRequest, invocations) +
		usd(logGB, in.Runs*logBytes/1e9)
	return []SpokeLine{
		{"Lambda and logs", accounts * days * lambda, "without the free tier"},
		{"queue of events", accounts * days * usd(queueRequest, polls*secondsOfADay/pollSeconds),
			"asked by Lambda all the time; nothing without events"},
		{"Cost Explorer", accounts * days * usd(costExplorerRequest, *in.PaidRequests),
			fmt.Sprintf("%.4g requests an account and day", *in.PaidRequests)},
		{"GuardDuty, where it is on", accounts * days * usd(guardDutyEvent, in.Requests),
			fmt.Sprintf("%s requests an account and day, as events of CloudTrail", thousands(in.Requests))},
	}
}

// thousands writes a number with commas.
func thousands(f float64) string {
	text := fmt.Sprint(int64(math.Round(f)))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func assumed() []string {
	return []string{
		"nothing of free tiers, discounts, Savings Plans, support and taxes; transfers within a region",
		fmt.Sprintf("a row: %d bytes in the stream, %d kB in the database with its indexes and what is gone",
			rowBytes, rowKB),
		fmt.Sprintf("an object of the archive: %d bytes besides its rows", manifestBytes),
		fmt.Sprintf("the database: %d GB without rows, backups of twice its size, %d I/O requests a run",
			databaseGB, ioPerRun),
		fmt.Sprintf("consumer as Lambda: %d shards on demand, %d s for a batch to gather, %v s to apply it, %v GB; "+
			"views every 5 minutes for %d s, %v GB", onDemand, window, batchSeconds, functionGB, refreshTakes, refreshGB),
		fmt.Sprintf("consumer on EC2: one t4g.small with %d GB; on Fargate: %d tasks of %v vCPU and %v GB", volumeGB, tasks,
			taskCPU, taskGB),
		fmt.Sprintf("keys: %s requests a month; watching: %d metrics, alarms on %d (A) or %d (B, C), %d GB of logs a month; "+
			"other: %d secrets, and USD %d",
			thousands(keyRequests), metrics, alarmsOnLambda, alarmsOnServers, hubLogsGB, secrets, small),
		fmt.Sprintf("a spoke: a Lambda function of %v GB, invoked %d times a day, %d bytes of log a run; "+
			"its queue is asked by %d at once, each for %d s", functionGB, invocations, logBytes, polls, pollSeconds),
	}
}
