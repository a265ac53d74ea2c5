package collectors

import (
	"testing"

	"github.com/hubspoke/observability/lib/collect/collecttest"
)

func TestCertificates(t *testing.T)     { collecttest.Run(t, certificates) }
func TestEC2Instances(t *testing.T)     { collecttest.Run(t, ec2Instances) }
func TestKMSKeys(t *testing.T)          { collecttest.Run(t, kmsKeys) }
func TestSecrets(t *testing.T)          { collecttest.Run(t, secrets) }
func TestSecurityFindings(t *testing.T) { collecttest.Run(t, securityFindings) }
func TestServiceCosts(t *testing.T)     { collecttest.Run(t, serviceCosts) }
