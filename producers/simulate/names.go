package simulate

import (
	"fmt"
	"hash/fnv"
)

// node returns the identifier of one of the nodes that Systems Manager has in the place: its
// categories are about the same ones.
func (g *gen) node() string {
	h := fnv.New64a()
	fmt.Fprint(h, g.account.ID, g.region, g.IntN(g.several(30)))
	return fmt.Sprintf("i-0%016x", h.Sum64())
}

// configRule returns the name of one of the rules that Config has in the place.
func (g *gen) configRule() string {
	return pick(g,
		"access-keys-rotated", "acm-certificate-expiration-check", "cloudtrail-enabled", "db-instance-backup-enabled",
		"ebs-optimized-instance", "ec2-imdsv2-check", "ec2-instance-managed-by-systems-manager", "encrypted-volumes",
		"iam-password-policy", "iam-user-mfa-enabled", "internet-gateway-authorized-vpc-only",
		"lambda-function-public-access-prohibited",
		"rds-instance-public-access-check", "rds-multi-az-support", "rds-storage-encrypted", "required-tags",
		"restricted-ssh",
		"root-account-mfa-enabled", "s3-bucket-public-read-prohibited", "s3-bucket-ssl-requests-only",
		"s3-bucket-versioning-enabled",
		"secretsmanager-rotation-enabled-check", "vpc-default-security-group-closed", "vpc-flow-logs-enabled",
	)
}
