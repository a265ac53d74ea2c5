package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/hubspoke/observability/internal/program"
)

// allRegions is what --region takes instead of names.
const allRegions = "all"

// givesAllRegions reports whether --region is "all".
func (f sourceFlags) givesAllRegions() bool { return slices.Contains(f.Region, allRegions) }

// validateRegions checks what can be known without AWS.
func (f sourceFlags) validateRegions() error {
	for i, region := range f.Region {
		if region == allRegions {
			if len(f.Region) > 1 {
				return program.Usagef("--region all and others: leave the others out")
			}
			continue
		}
		if err := checkRegion("--region", region); err != nil {
			return err
		}
		if slices.Contains(f.Region[:i], region) {
			return program.Usagef("--region %s is given twice", region)
		}
	}
	if f.HomeRegion != "" {
		return checkRegion("--home-region", f.HomeRegion)
	}
	return nil
}

// enabledRegions returns the regions that an account has enabled, in order. The
// configuration is that of its home region.
//
// Not account:ListRegions: it is asked in us-east-1, which policies that deny regions
// leave out more often.
func enabledRegions(ctx context.Context, home aws.Config) ([]string, error) {
	// Without AllRegions only those that are enabled are listed.
	answer, err := ec2.NewFromConfig(home).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err == nil && len(answer.Regions) == 0 {
		err = errors.New("AWS names no region")
	}
	if err != nil {
		return nil, fmt.Errorf("--region all: the regions cannot be listed in %s: allow ec2:DescribeRegions there, or "+
			"name the regions with --region: %w", home.Region, err)
	}
	var regions []string
	for _, r := range answer.Regions {
		name := aws.ToString(r.RegionName)
		if err := checkRegion("ec2:DescribeRegions", name); err != nil {
			return nil, err
		}
		regions = append(regions, name)
	}
	slices.Sort(regions)
	return slices.Compact(regions), nil
}
