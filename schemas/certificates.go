package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Certificate is one certificate in AWS Certificate Manager (ACM), as seen in one
// account and region: issued by Amazon, issued by a private CA or imported, with
// any key algorithm. Columns come from ListCertificates (CertificateSummary).
type Certificate struct {
	// ARN of the certificate (CertificateArn).
	CertificateARN string `col:"certificate_arn,key"`
	// Primary domain name, such as www.example.com (DomainName). Null for a certificate without one.
	DomainName *string `col:"domain_name"`
	// Status as ACM reports it: PENDING_VALIDATION, ISSUED, INACTIVE, EXPIRED, VALIDATION_TIMED_OUT, REVOKED or FAILED
	// (Status).
	Status *string `col:"status"`
	// Source of the certificate: AMAZON_ISSUED, PRIVATE or IMPORTED (Type). Only certificates issued by Amazon or a
	// private CA are renewed by ACM.
	CertificateType *string `col:"certificate_type"`
	// Algorithm of the key pair, such as RSA_2048 or EC_prime256v1 (KeyAlgorithm).
	KeyAlgorithm *string `col:"key_algorithm"`
	// Who made the key pair: AWS_MANAGED, CUSTOMER_PROVIDED or another origin that ACM reports (CertificateKeyPairOrigin).
	KeyPairOrigin *string `col:"key_pair_origin"`
	// AWS service that manages the certificate, such as CLOUDFRONT (ManagedBy). Null: no service does.
	ManagedBy *string `col:"managed_by"`
	// Whether an AWS resource uses the certificate now (InUse).
	InUse *bool `col:"in_use"`
	// JSON array of the first 100 names that the certificate covers, the primary one included
	// (SubjectAlternativeNameSummaries).
	SubjectAlternativeNames schema.JSON `col:"subject_alternative_names,array"`
	// Whether the certificate covers more names than subject_alternative_names lists
	// (HasAdditionalSubjectAlternativeNames).
	HasAdditionalNames *bool `col:"has_additional_names"`
	// JSON array of X.509 key usages, such as DIGITAL_SIGNATURE (KeyUsages).
	KeyUsages schema.JSON `col:"key_usages,array"`
	// JSON array of X.509 extended key usages, such as TLS_WEB_SERVER_AUTHENTICATION (ExtendedKeyUsages).
	ExtendedKeyUsages schema.JSON `col:"extended_key_usages,array"`
	// Whether ACM can renew the certificate: ELIGIBLE or INELIGIBLE (RenewalEligibility).
	RenewalEligibility *string `col:"renewal_eligibility"`
	// Whether the certificate may be exported: ENABLED or DISABLED (ExportOption).
	ExportOption *string `col:"export_option"`
	// Whether the certificate has been exported (Exported).
	Exported *bool `col:"exported"`
	// When the certificate was requested (CreatedAt). Null for imported certificates.
	RequestedAt *time.Time `col:"requested_at"`
	// When Amazon issued the certificate (IssuedAt). Null unless certificate_type is AMAZON_ISSUED and it was issued.
	IssuedAt *time.Time `col:"issued_at"`
	// When the certificate was imported (ImportedAt). Null unless certificate_type is IMPORTED.
	ImportedAt *time.Time `col:"imported_at"`
	// Start of the certificate's validity (NotBefore). Null until it is issued.
	NotBefore *time.Time `col:"not_before"`
	// End of the certificate's validity (NotAfter). Null until it is issued.
	NotAfter *time.Time `col:"not_after"`
	// When the certificate was revoked (RevokedAt). Null unless status is REVOKED.
	RevokedAt *time.Time `col:"revoked_at"`
}

// Certificates is the category "certificates": every run lists all certificates
// of one account and region.
var Certificates = schema.Of[Certificate](schema.Spec{Name: "certificates", Mode: schema.Snapshot})
