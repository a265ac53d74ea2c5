package simulate

import (
	"time"

	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Certificates are requested, issued, renewed, revoked; they expire, and somebody
// deletes them a while later.
var certificates = kind[schemas.Certificate]{
	of:     collectors.Certificates,
	size:   24,
	make:   func(g *gen) schemas.Certificate { return newCertificate(g, g.now) },
	old:    oldCertificate,
	births: 0.0015,
	change: changeCertificate,
}

// newCertificate returns a certificate that was requested or imported at the time given.
func newCertificate(g *gen, at time.Time) schemas.Certificate {
	domain := g.app() + "-" + g.hex(4) + "." + g.account.Name + ".example.com"
	names := []string{domain, "www." + domain}
	c := schemas.Certificate{
		CertificateARN:          g.arn("acm", "certificate/"+g.uuid()),
		DomainName:              &domain,
		Status:                  new("PENDING_VALIDATION"),
		CertificateType:         new("AMAZON_ISSUED"),
		KeyAlgorithm:            new(pick(g, "RSA_2048", "RSA_2048", "EC_prime256v1", "EC_secp384r1", "RSA_4096")),
		KeyPairOrigin:           new("AWS_MANAGED"),
		InUse:                   new(false),
		SubjectAlternativeNames: jsonOf(names),
		HasAdditionalNames:      new(g.chance(0.03)),
		RenewalEligibility:      new("INELIGIBLE"),
		ExportOption:            new("DISABLED"),
		RequestedAt:             &at,
	}
	switch {
	case g.chance(0.2):
		c.CertificateType, c.KeyPairOrigin = new("IMPORTED"), new("CUSTOMER_PROVIDED")
		c.RequestedAt, c.ImportedAt = nil, &at
		issueCertificate(g, &c, at)
	case g.chance(0.15):
		c.CertificateType, c.ExportOption, c.Exported = new("PRIVATE"), new("ENABLED"), new(g.chance(0.5))
		issueCertificate(g, &c, at)
	case g.chance(0.1):
		c.ManagedBy = new("CLOUDFRONT")
	}
	return c
}

func issueCertificate(g *gen, c *schemas.Certificate, at time.Time) {
	c.Status = new("ISSUED")
	c.KeyUsages = jsonOf([]string{"DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"})
	c.ExtendedKeyUsages = jsonOf([]string{"TLS_WEB_SERVER_AUTHENTICATION"})
	if *c.CertificateType == "AMAZON_ISSUED" {
		c.IssuedAt = new(at)
		c.RenewalEligibility = new("ELIGIBLE")
	}
	c.NotBefore, c.NotAfter = new(at), new(at.Add(395*day))
}

// oldCertificate returns one that was there before the first step. Some are about
// to expire, a few within minutes.
func oldCertificate(g *gen) schemas.Certificate {
	at := g.within(395 * day)
	switch {
	case g.chance(0.1):
		at = g.now.Add(-395 * day).Add(g.between(time.Second, 3*time.Minute))
	case g.chance(0.1):
		at = g.now.Add(-395 * day).Add(g.between(day, 40*day))
	}
	c := newCertificate(g, at)
	if *c.Status == "PENDING_VALIDATION" && g.chance(0.95) {
		issueCertificate(g, &c, at.Add(time.Minute))
	}
	c.InUse = new(*c.Status == "ISSUED" && g.chance(0.8))
	if *c.Status == "ISSUED" && g.chance(0.02) {
		c.Status, c.RevokedAt = new("REVOKED"), new(g.within(30*day))
	}
	return c
}

func changeCertificate(g *gen, c *schemas.Certificate) fate {
	switch status := *c.Status; {
	case status == "PENDING_VALIDATION" && g.chance(0.1):
		issueCertificate(g, c, g.now)
	case status == "ISSUED" && !c.NotAfter.After(g.now):
		c.Status, c.InUse, c.RenewalEligibility = new("EXPIRED"), new(false), new("INELIGIBLE")
	case status == "ISSUED" && g.chance(0.001): // renewed, or imported again
		issueCertificate(g, c, g.now)
	case status == "ISSUED" && g.chance(0.0003):
		c.Status, c.RevokedAt, c.InUse = new("REVOKED"), new(g.now), new(false)
	case status == "ISSUED" && g.chance(0.001):
		c.InUse = new(!*c.InUse)
	case status != "ISSUED" && g.chance(0.02), g.chance(0.001):
		return gone
	default:
		return same
	}
	return changed
}
