package collectors

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// The managed nodes are asked for the applications that Inventory found on them; a node
// without Inventory has none. One request reads 50 applications of a node: 200 nodes with
// 600 applications take 2,400 requests and 8 minutes. AWS charges nothing for it. When a node
// last reported its applications is no column: every row would be new every day.
var SSMApplications = collect.Collector[schemas.SSMApplication]{
	Category: schemas.SSMApplications,
	Reach:    collect.PerRegion,
	Every:    24 * time.Hour,
	Long:     true,
	Calls:    []string{"ssm:DescribeInstanceInformation", "ssm:ListInventoryEntries"},
	Collect:  collectSSMApplications,
}

func collectSSMApplications(ctx context.Context, env *collect.Env, emit func(schemas.SSMApplication) error) error {
	reader := ssmApplicationReader{client: ssm.NewFromConfig(env.AWS)}
	nodes, err := ssmNodeIDs(ctx, reader.client)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		rows, err := reader.node(ctx, node)
		if hasCode(err, "InvalidInstanceId") {
			continue // gone since it was listed
		}
		if err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
		for _, row := range rows {
			if err := emit(row); err != nil {
				return err
			}
		}
	}
	if reader.oddTimes > 0 {
		env.Logger.Warn("times of installation in an unknown format are null",
			"applications", reader.oddTimes, "first", reader.firstOdd)
	}
	return nil
}

// ssmApplicationReader reads the applications of one node after the other.
type ssmApplicationReader struct {
	client *ssm.Client

	oddTimes int // of installation, in no format that names an instant
	firstOdd string
}

// node returns the applications of a node. Of those that it lists several times, as Windows
// does for users, there is the one that was installed last.
func (r *ssmApplicationReader) node(ctx context.Context, node string) ([]schemas.SSMApplication, error) {
	list := eachByToken(ctx,
		&ssm.ListInventoryEntriesInput{InstanceId: &node, TypeName: aws.String("AWS:Application"), MaxResults: aws.Int32(50)},
		r.client.ListInventoryEntries,
		func(in *ssm.ListInventoryEntriesInput) **string { return &in.NextToken },
		func(p *ssm.ListInventoryEntriesOutput) ([]map[string]string, *string) { return p.Entries, p.NextToken })
	var rows []schemas.SSMApplication
	places := map[string]int{}
	for entry, err := range list {
		if err != nil {
			return nil, err
		}
		row := r.row(node, *entry)
		place, twice := places[row.ApplicationKey]
		switch {
		case !twice:
			places[row.ApplicationKey] = len(rows)
			rows = append(rows, row)
		case ssmApplicationCompare(row, rows[place]) > 0:
			rows[place] = row
		}
	}
	return rows, nil
}

func (r *ssmApplicationReader) row(node string, v map[string]string) schemas.SSMApplication {
	installed := v["InstalledTime"]
	row := schemas.SSMApplication{
		InstanceID:      node,
		ApplicationKey:  strings.Join([]string{v["Name"], v["Version"], v["Release"], v["Architecture"]}, "|"),
		Name:            v["Name"],
		Version:         enum(v["Version"]),
		Release:         enum(v["Release"]),
		Architecture:    enum(v["Architecture"]),
		Publisher:       enum(v["Publisher"]),
		ApplicationType: enum(v["ApplicationType"]),
		PackageID:       enum(v["PackageId"]),
		URL:             enum(redact("URL", v["URL"])),
		InstalledAt:     timeIn(installed, rfc3339),
	}
	if row.InstalledAt == nil && installed != "" {
		if r.oddTimes++; r.oddTimes == 1 {
			r.firstOdd = installed
		}
	}
	return row
}

// ssmApplicationCompare orders applications of one key by the time of their installation,
// and those that have the same by their package, so that each run keeps the same one.
func ssmApplicationCompare(a, b schemas.SSMApplication) int {
	return cmp.Or(
		aws.ToTime(a.InstalledAt).Compare(aws.ToTime(b.InstalledAt)),
		cmp.Compare(aws.ToString(a.PackageID), aws.ToString(b.PackageID)),
	)
}
