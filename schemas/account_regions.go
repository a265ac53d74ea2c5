package schemas

import "github.com/hubspoke/observability/lib/schema"

// AccountRegion is one region of AWS, and whether the account has it enabled: what is
// enabled and not collected is not seen. Columns come from ListRegions.
type AccountRegion struct {
	// Region, such as eu-central-1 (RegionName).
	RegionName string `col:"region_name,key"`
	// Whether the account has it enabled: ENABLED_BY_DEFAULT, ENABLED, ENABLING, DISABLING or DISABLED (RegionOptStatus).
	OptStatus *string `col:"opt_status"`
}

// AccountRegions is the category "account_regions": every run lists all regions that an
// account could use.
var AccountRegions = schema.Of[AccountRegion](schema.Spec{Name: "account_regions", Mode: schema.Snapshot})
