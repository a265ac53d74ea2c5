package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Certificates are listed with every key algorithm and every origin of the key
// pair; by default ACM shows only RSA keys of up to 2048 bits. One request reads
// 1,000 certificates, and AWS charges nothing for it. Tags are not collected: they
// would take one more request for each certificate.
var Certificates = collect.Collector[schemas.Certificate]{
	Category: schemas.Certificates,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"acm:ListCertificates"},
	Hints: []collect.Hint{
		{Source: "aws.acm", Types: []string{
			"ACM Certificate Approaching Expiration", "ACM Certificate Expired", "ACM Certificate Available",
			"ACM Certificate Renewal Action Required", "ACM Certificate Rotated", "ACM Certificate Revoked",
		}},
		{Source: "aws.acm", Calls: []string{"RequestCertificate", "ImportCertificate", "DeleteCertificate"}},
	},
	Collect: collectCertificates,
}

// A page has 1,000 certificates, so one request a second is plenty.
var acmService = collect.Service{
	ID:    "ACM",
	Name:  "acm",
	Rate:  collect.Rate{PerSecond: 1, Burst: 2},
	Quota: "https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html#api-rate-limits",
}

func collectCertificates(ctx context.Context, env *collect.Env, emit func(schemas.Certificate) error) error {
	pages := acm.NewListCertificatesPaginator(acm.NewFromConfig(env.AWS), &acm.ListCertificatesInput{
		MaxItems: aws.Int32(1000),
		// Without these filters ACM lists only RSA keys of up to 2048 bits, and
		// not every origin.
		Includes:                  &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()},
		CertificateKeyPairOrigins: types.CertificateKeyPairOrigin("").Values(),
	})
	list := each(ctx, pages, func(p *acm.ListCertificatesOutput) ([]types.CertificateSummary, *string) {
		return p.CertificateSummaryList, p.NextToken
	})
	return emitEach(list, certificate, emit)
}

func certificate(c *types.CertificateSummary) schemas.Certificate {
	return schemas.Certificate{
		CertificateARN:          aws.ToString(c.CertificateArn),
		DomainName:              text(c.DomainName),
		Status:                  enum(c.Status),
		CertificateType:         enum(c.Type),
		KeyAlgorithm:            enum(c.KeyAlgorithm),
		KeyPairOrigin:           enum(c.CertificateKeyPairOrigin),
		ManagedBy:               enum(c.ManagedBy),
		InUse:                   c.InUse,
		SubjectAlternativeNames: jsonOf(c.SubjectAlternativeNameSummaries),
		HasAdditionalNames:      c.HasAdditionalSubjectAlternativeNames,
		KeyUsages:               jsonOf(c.KeyUsages),
		ExtendedKeyUsages:       jsonOf(c.ExtendedKeyUsages),
		RenewalEligibility:      enum(c.RenewalEligibility),
		ExportOption:            enum(c.ExportOption),
		Exported:                c.Exported,
		RequestedAt:             c.CreatedAt,
		IssuedAt:                c.IssuedAt,
		ImportedAt:              c.ImportedAt,
		NotBefore:               c.NotBefore,
		NotAfter:                c.NotAfter,
		RevokedAt:               c.RevokedAt,
	}
}
