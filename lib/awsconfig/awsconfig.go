// Package awsconfig is the one way in which the programs get AWS configuration:
// profile, region, a role in another account, endpoints, retries and time-outs.
//
// Its clients check what AWS answers, as package awsanswer says.
//
// Everything that the AWS SDK reads from the environment and from its files
// keeps working: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and
// AWS_ENDPOINT_URL_<SERVICE>, AWS_CA_BUNDLE, HTTPS_PROXY and so on.
package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/awsanswer"
)

// Errors that say which setting is missing. Match them with errors.Is; their
// text tells people what to do.
var (
	ErrNoRegion      = errors.New("no AWS region is set: give one, or set AWS_REGION or the region of the profile")
	ErrNoCredentials = errors.New("no AWS credentials found: set AWS_PROFILE after `aws sso login`, or " +
		"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with a role (ECS, EC2, Lambda)")
)

// NoAnswer is what to do about an error that is [Transient].
const NoAnswer = "AWS does not answer; check network, proxy and endpoint (AWS_ENDPOINT_URL)"

// Transient reports whether the same request can succeed later: AWS was not
// reached, had a fault of its own or was busy, or the program was stopped. Where
// there are no credentials, the SDK has asked hosts that there need not be.
func Transient(err error) bool {
	if errors.Is(err, ErrNoCredentials) {
		return false
	}
	return errors.Is(err, context.Canceled) || retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(
		err) == aws.TrueTernary
}

// Config says which AWS configuration to load. The zero value is what the AWS
// command line would use.
type Config struct {
	// Profile of the shared AWS files. Defaults to AWS_PROFILE, then "default".
	Profile string
	// Region of the clients. Defaults to AWS_REGION, then the profile's region.
	Region string
	// Role to assume with the credentials found. Defaults to none.
	Role Role
	// Timeout of one attempt of a request, reading the answer included.
	// Defaults to 1 minute.
	Timeout time.Duration
	// MaxAttempts is how often one request is tried in all. Defaults to
	// AWS_MAX_ATTEMPTS or max_attempts of the profile, then 6.
	MaxAttempts int
	// Log receives what the AWS SDK has to say, such as warnings. Defaults to none.
	Logger *slog.Logger
}

func (o Config) validate() error {
	faults := []error{o.Role.Validate()}
	if o.Timeout < 0 {
		faults = append(faults, errors.New("awsconfig: Config.Timeout is negative"))
	}
	if o.MaxAttempts < 0 {
		faults = append(faults, errors.New("awsconfig: Config.MaxAttempts is negative"))
	}
	return errors.Join(faults...)
}

// Role is an IAM role to assume.
type Role struct {
	// ARN of the role; "" is no role.
	ARN string
	// ExternalID that the role's trust policy asks for; "" if it asks for none.
	ExternalID string
	// SessionName that CloudTrail shows. Defaults to "hubspoke".
	SessionName string
}

// Validate reports an ARN that is not that of a role, and an external id without one.
func (r Role) Validate() error {
	if r.ARN == "" {
		if r.ExternalID != "" {
			return errors.New("an external id without a role to assume")
		}
		return nil
	}
	parsed, err := arn.Parse(r.ARN)
	if err != nil || parsed.Service != "iam" || !strings.HasPrefix(parsed.Resource, "role/") {
		return fmt.Errorf("%q is not the ARN of a role, such as arn:aws:iam::111122223333:role/hub-writer", r.ARN)
	}
	return nil
}

const (
	defaultTimeout     = time.Minute
	defaultMaxAttempts = 6
	defaultSession     = "hubspoke"
	connectTimeout     = 5 * time.Second
	credentialsTimeout = 20 * time.Second // the instance metadata service may have to time out first
	credentialsEarly   = time.Minute      // a role's credentials are renewed this long before they expire
)

// Load returns the configuration and makes sure that it has a region and
// credentials that could be retrieved. When AWS says that they have expired, its
// clients look for others, in the shared files too, and ask once more; without any
// the error is an [*ExpiredError]. The error is that of ctx when it is done. All configurations loaded with the same
// Timeout share one pool of connections.
func Load(ctx context.Context, o Config) (aws.Config, error) {
	if err := o.validate(); err != nil {
		return aws.Config{}, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient(o.Timeout)),
		config.WithAPIOptions([]func(*middleware.Stack) error{awsanswer.Add, endQuietly}),
		config.WithLogger(sdkLog{o.Logger}), // the SDK's own writes to standard error, in a format of its own
	}
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	if o.MaxAttempts > 0 {
		options = append(options, config.WithRetryMaxAttempts(o.MaxAttempts))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		var missing config.SharedConfigProfileNotExistError
		if errors.As(err, &missing) {
			return aws.Config{}, fmt.Errorf("AWS profile %q does not exist: `aws configure list-profiles` shows the ones "+
				"that do", missing.Profile)
		}
		return aws.Config{}, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.RetryMaxAttempts == 0 {
		cfg.RetryMaxAttempts = defaultMaxAttempts
	}
	if cfg.Region == "" {
		return aws.Config{}, ErrNoRegion
	}
	switch err := checkCredentials(ctx, cfg); {
	case err == nil:
	case ctx.Err() != nil:
		return aws.Config{}, ctx.Err()
	case noneFound(err):
		return aws.Config{}, fmt.Errorf("%w (%w)", ErrNoCredentials, err)
	default:
		return aws.Config{}, fmt.Errorf("AWS credentials could not be retrieved: %w", err)
	}
	newRenewable(cfg.Credentials, func(ctx context.Context) (aws.CredentialsProvider, error) {
		again, err := config.LoadDefaultConfig(ctx, options...)
		return again.Credentials, err
	}).install(&cfg)
	if o.Role.ARN == "" {
		return cfg, nil
	}
	cfg = Assume(cfg, o.Role)
	if err := checkCredentials(ctx, cfg); ctx.Err() != nil {
		return aws.Config{}, ctx.Err()
	} else if err != nil {
		return aws.Config{}, fmt.Errorf("assume role %s: %w", o.Role.ARN, err)
	}
	return cfg, nil
}

// Assume returns a copy of cfg with the credentials of the role, assumed with the
// credentials of cfg when they are first needed and renewed before they expire. Errors
// therefore show at the first request.
func Assume(cfg aws.Config, role Role) aws.Config {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = defaultSession
		if role.SessionName != "" {
			o.RoleSessionName = role.SessionName
		}
		if role.ExternalID != "" {
			o.ExternalID = aws.String(role.ExternalID)
		}
	})
	cache := aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = credentialsEarly })
	cfg = cfg.Copy()
	cfg.Credentials = cache
	return Renewing(cfg)
}

// Identity is who the credentials belong to.
type Identity struct {
	// Account is the AWS account, 12 digits.
	Account string
	// Partition of the account: aws, aws-cn, aws-us-gov.
	Partition string
	// ARN of the user or role.
	ARN string
}

// Account asks STS who the credentials of cfg belong to (GetCallerIdentity,
// which needs no permission).
func Account(ctx context.Context, cfg aws.Config) (Identity, error) {
	answer, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			return Identity{}, fmt.Errorf("region %q: %s does not exist: check the region's name and the network: %w",
				cfg.Region, dns.Name, err)
		}
		var response *smithyhttp.ResponseError
		if !errors.As(err, &response) || response.HTTPStatusCode()/100 != 4 {
			return Identity{}, fmt.Errorf("region %q: %s: %w", cfg.Region, NoAnswer, err)
		}
		return Identity{}, fmt.Errorf("region %q: AWS does not accept the credentials (expired, or a region that the "+
			"account has not enabled?): %w", cfg.Region, err)
	}
	parsed, err := arn.Parse(aws.ToString(answer.Arn))
	if err != nil {
		return Identity{}, fmt.Errorf("identity %q: %w", aws.ToString(answer.Arn), err)
	}
	return Identity{Account: aws.ToString(answer.Account), Partition: parsed.Partition, ARN: parsed.String()}, nil
}

var errNotConfigured = errors.New("none configured")

func checkCredentials(ctx context.Context, cfg aws.Config) error {
	if cfg.Credentials == nil {
		return errNotConfigured
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	_, err := cfg.Credentials.Retrieve(ctx)
	return err
}

// noneFound reports whether nothing has given credentials: who sets none ends at
// the metadata service of EC2, which is not there or has no role to give.
func noneFound(err error) bool {
	if errors.Is(err, errNotConfigured) {
		return true
	}
	operation, ok := errors.AsType[*smithy.OperationError](err)
	if !ok || operation.Service() != "ec2imds" {
		return false
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return !ok || answer.HTTPStatusCode() == http.StatusNotFound
}

// sdkLog hands the lines of the AWS SDK to a logger.
type sdkLog struct{ *slog.Logger }

// Logf implements logging.Logger.
func (l sdkLog) Logf(class logging.Classification, format string, args ...any) {
	level := slog.LevelDebug
	if class == logging.Warn {
		level = slog.LevelWarn
	}
	l.Log(context.Background(), level, fmt.Sprintf(format, args...), "from", "AWS SDK")
}

// S3 returns an S3 client. For a custom endpoint it puts the bucket into the path,
// because a bucket name in front of the host name would name no host.
func S3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

// ProxyError says that the proxy did not connect to a host. A status of 500 or more is what
// it answers where it cannot, because there is no such host or it is not reached.
type ProxyError struct {
	Host   string // with the port
	Status int    // of HTTP
}

// Error names the host and the status.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy does not connect to %s: %d %s", e.Host, e.Status, http.StatusText(e.Status))
}

var sharedClient = sync.OnceValue(func() *awshttp.BuildableClient { return newClient(defaultTimeout) })

func httpClient(timeout time.Duration) *awshttp.BuildableClient {
	if timeout == 0 || timeout == defaultTimeout {
		return sharedClient()
	}
	return newClient(timeout)
}

// newClient returns the SDK's own kind of client, not a plain http.Client:
// AWS_CA_BUNDLE works with no other.
func newClient(timeout time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithTimeout(timeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connectTimeout
			// The SDK keeps ten for each host: with more requests side by side, most of
			// them would open a connection of their own.
			t.MaxIdleConnsPerHost = t.MaxIdleConns
			t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, to *http.Request, answer *http.Response) error {
				if answer.StatusCode == http.StatusOK {
					return nil
				}
				return &ProxyError{Host: to.URL.Opaque, Status: answer.StatusCode}
			}
		})
}
