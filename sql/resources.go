package sql

import (
	"bytes"
	"fmt"
	"strings"
)

// A file views/resources/<category>.sql is a query for the resources of the category, each
// once. The view resources is all of them, and resource_counts counts them: each file gets
// a summary, so that a change of one table counts the resources of one.

// resourceColumns are the columns of such a query, in any order, with their types. NULL is
// what resources of the category do not have.
var resourceColumns = []struct{ name, kind, doc string }{
	{"account_id", "text", "Account of the resource."},
	{"region", "text", "Region in which the resource was collected."},
	{"resource_region", "text", "Region of the resource. global: it has none, or it is not known."},
	{"service", "text", "Service: EC2, RDS, EBS, S3, ELB, AutoScaling, VPC or Lambda."},
	{"resource_type", "text", "Type of the resource within the service."},
	{"resource_id", "text", "Identifier of the resource, or its name where it has no other."},
	{"resource_name", "text", "Name of the resource. Null: none."},
	{"resource_arn", "text", "ARN of the resource. Null: AWS does not report it."},
	{"availability_zone", "text", "Availability zone, or several with commas between them. Null: none."},
	{"state", "text", "State of the resource, as AWS calls it. Null: resources of the type have none."},
	{"instance_type", "text", "Instance type of an EC2 instance."},
	{"vpc_id", "text", "VPC of the resource. Null: none."},
	{"engine", "text", "Engine of a database, runtime of a function."},
	{"instance_class", "text", "Instance class of a database."},
	{"multi_az", "boolean", "Whether a database has a standby in another zone."},
	{"size_gb", "bigint", "Size of a volume or of the storage of a database in GiB."},
	{"volume_type", "text", "Type of a volume or of the storage of a database."},
	{"created", "timestamptz", "When the resource was created (an instance started, a function changed last). Null: " +
		"not known."},
	{"subtype", "text", "Platform of an instance, type of a load balancer, package type of a function."},
	{"scheme", "text", "Whether a load balancer is internet-facing or internal."},
	{"instance_count", "bigint", "How many instances an Auto Scaling group has."},
	{"min_size", "bigint", "Smallest size of an Auto Scaling group."},
	{"max_size", "bigint", "Largest size of an Auto Scaling group."},
	{"available_ip_count", "bigint", "IPv4 addresses of a subnet that are not used."},
	{"row_key", "uuid", "Key of the row in the table of the category."},
	{"collected_at", "timestamptz", "When the resource was collected last."},
}

// resourceGroups are the columns by which resources are counted. The texts are cut to
// lengths that an index takes and a person reads.
var resourceGroups = []struct{ name, value, doc string }{
	{"account_id", "account_id", "Account of the resources."},
	{"region", "region", "Region in which the resources were collected."},
	{"resource_region", "left(resource_region, 32)", "Region of the resources. global: none, or it is not known."},
	{"service", "service", "Service: EC2, RDS, EBS, S3, ELB, AutoScaling, VPC or Lambda."},
	{"resource_type", "resource_type", "Type of the resources within the service."},
	{"state", "left(lower(coalesce(state, 'none')), 64)", "State of the resources in lower case, or none."},
	{"size", "left(coalesce(instance_type, instance_class, volume_type, ''), 64)",
		"Instance type or class, volume type, or empty."},
}

// resourceCounts are what is said of each group: in its summary, and in the view above.
var resourceCounts = []struct{ name, value, total, doc string }{
	{"resources", "count(*)", "sum(resources)::bigint", "Number of resources."},
	{"size_gb", "sum(size_gb::bigint)", "sum(size_gb)", "Size of all of them in GiB. Null: such resources have none."},
	{"oldest_at", "min(created::timestamptz)", "min(oldest_at)",
		"When the oldest was created, as resources says. Null: not known."},
	{"newest_at", "max(created::timestamptz)", "max(newest_at)",
		"When the newest was created, as resources says. Null: not known."},
}

// renderResourcesSummary returns the file that makes the summary of a category.
func renderResourcesSummary(category string, query []byte) []byte {
	b := &bytes.Buffer{}
	view := "live.resources_" + category
	var names, columns []string
	for _, c := range resourceGroups {
		names, columns = append(names, c.name), append(columns, c.value+" AS "+c.name)
	}
	for _, c := range resourceCounts {
		columns = append(columns, c.value+" AS "+c.name)
	}
	fmt.Fprintf(b, "CREATE VIEW %s AS\nWITH resource AS (\n%s\n)\n"+
		"SELECT %s\nFROM resource\nGROUP BY 1, 2, 3, 4, 5, 6, 7;\n\n",
		view, bytes.TrimSpace(query), strings.Join(columns, ",\n       "))
	fmt.Fprintf(b, "ALTER TABLE summary.resources_%s ADD PRIMARY KEY (%s);\n\n", category, strings.Join(names, ", "))
	comment(b, "VIEW "+view, "Number of resources in "+category+".")
	for _, c := range resourceGroups {
		comment(b, "COLUMN "+view+"."+c.name, c.doc)
	}
	for _, c := range resourceCounts {
		comment(b, "COLUMN "+view+"."+c.name, c.doc)
	}
	return b.Bytes()
}

// renderResources returns the file that makes the views of all categories: resources, and
// resource_counts of the summaries.
func renderResources(categories []string, queries map[string][]byte) []byte {
	b := &bytes.Buffer{}
	var columns []string
	for _, c := range resourceColumns {
		switch c.name {
		case "region":
		case "resource_region":
			columns = append(columns, "resource_region AS region")
		default:
			columns = append(columns, fmt.Sprintf("CAST(%s AS %s) AS %[1]s", c.name, c.kind))
		}
	}
	var rows, counts []string
	for _, category := range categories {
		rows = append(rows, fmt.Sprintf("SELECT %s\nFROM (\n%s\n) AS %s\n",
			strings.Join(columns, ",\n       "), bytes.TrimSpace(queries[category]), category))
		counts = append(counts, "TABLE summary.resources_"+category+"\n")
	}
	fmt.Fprintf(b, "CREATE VIEW resources AS\n%s;\n\n", strings.Join(rows, "UNION ALL\n"))
	comment(b, "VIEW resources", "Resources of all categories that have some, each once: a shared subnet at its owner.")
	for _, c := range resourceColumns {
		if c.name != "region" {
			comment(b, "COLUMN resources."+regionOfResource(c.name), c.doc)
		}
	}

	names, totals := []string{}, []string{}
	for _, c := range resourceGroups {
		if c.name != "region" {
			names = append(names, c.name+" AS "+regionOfResource(c.name))
		}
	}
	for _, c := range resourceCounts {
		totals = append(totals, c.total+" AS "+c.name)
	}
	fmt.Fprintf(b, "\nCREATE VIEW resource_counts AS\nSELECT %s\nFROM (\n%s) AS counted\nGROUP BY 1, 2, 3, 4, 5, 6;\n\n",
		strings.Join(append(names, totals...), ",\n       "), strings.Join(counts, "UNION ALL\n"))
	comment(b, "VIEW resource_counts", "Number of resources by account, region, type, state and size.")
	for _, c := range resourceGroups {
		if c.name != "region" {
			comment(b, "COLUMN resource_counts."+regionOfResource(c.name), c.doc)
		}
	}
	for _, c := range resourceCounts {
		comment(b, "COLUMN resource_counts."+c.name, c.doc)
	}
	return b.Bytes()
}

// regionOfResource returns the name that a column has for people, who need not know where a
// resource was collected.
func regionOfResource(column string) string {
	if column == "resource_region" {
		return "region"
	}
	return column
}
