package simulate

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// What several categories name is a function of the account, the region and a number, so
// that they name the same things.

// hash returns a number that belongs to the place and the parts.
func (g *gen) hash(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, g.account.ID, g.region, parts)
	return h.Sum64()
}

// hashOfAccount is hash for what is the same in all regions.
func (g *gen) hashOfAccount(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, g.account.ID, parts)
	return h.Sum64()
}

// node returns the identifier of one of the nodes that Systems Manager has in the place.
func (g *gen) node() string { return g.nodeAt(g.IntN(g.nodes())) }

// nodes is how many nodes the place has.
func (g *gen) nodes() int { return g.several(30) }

// nodeAt returns the identifier of a node. Every tenth is a machine elsewhere, and the others
// are EC2 instances.
func (g *gen) nodeAt(n int) string {
	if n%10 == 9 {
		return fmt.Sprintf("mi-00a%014x", g.hash("node", n)>>8)
	}
	return fmt.Sprintf("i-00a%014x", g.hash("node", n)>>8)
}

// isScanned reports whether a node was scanned for patches before the first step.
func isScanned(id string) bool { return id[len(id)-1] != '0' }

// isNode reports whether an instance is a node: those are not terminated.
func isNode(id string) bool { return strings.HasPrefix(id, "i-00a") }

// patchNames are the packages that nodes have patches for.
var patchNames = []string{"openssl", "kernel", "glibc", "curl", "python3"}

// missingPatches returns how many of the first patches a node lacks at the moment. Most nodes
// lack none. The others install one after the other, one in five minutes, until the next
// ones come out.
func missingPatches(node string, now time.Time) int {
	h := fnv.New64a()
	fmt.Fprint(h, node)
	own := h.Sum64()
	if own%10 < 7 {
		return 0
	}
	most := 1 + own/10%uint64(len(patchNames)-1)
	passed := (uint64(now.Unix()) + own%300) / 300
	return int(most - passed%(most+1))
}

// network is a subnet and what it is in.
type network struct {
	id, vpc, zone string
	second, third int // of its addresses: 10.second.third.0/24
}

// subnet returns one of the subnets of the place.
func (g *gen) subnet() network { return g.subnetAt(g.IntN(g.several(9))) }

// subnetAt returns a subnet. Three make a VPC, one in each zone.
func (g *gen) subnetAt(n int) network {
	vpc := n / 3
	return network{
		id:     fmt.Sprintf("subnet-0%016x", g.hash("subnet", n)),
		vpc:    fmt.Sprintf("vpc-0%016x", g.hash("vpc", vpc)),
		zone:   g.region + string("abc"[n%3]),
		second: int(g.hash("vpc", vpc) % 64),
		third:  n % 256,
	}
}

// address returns an address in the subnet.
func (g *gen) address(n network) string {
	return fmt.Sprintf("10.%d.%d.%d", n.second, n.third, 4+g.IntN(250))
}

// balancedApps are the applications behind a load balancer in the place.
func (g *gen) balancedApps() []string { return apps[:min(len(apps), g.several(6))] }

// loadBalancer returns the name and the ARN of the load balancer of an application.
func (g *gen) loadBalancer(app string) (name, arn string) {
	name = g.account.Name + "-" + app
	return name, g.arn("elasticloadbalancing", fmt.Sprintf("loadbalancer/app/%s/%016x", name, g.hash("balancer", app)))
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
