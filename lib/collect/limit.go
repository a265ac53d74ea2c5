package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/lib/awsanswer"
)

// Rate limits requests to AWS. Every attempt counts, retries too.
type Rate struct {
	// PerSecond is the mean number of requests per second.
	PerSecond float64 `json:"per_second"`
	// Burst is how many requests may be sent at once. Defaults to 1.
	Burst int `json:"burst"`
}

// Service limits the requests to one AWS service. All collectors of an account and
// region share the limit, because they share the quota of the service.
type Service struct {
	// ID of the service in the SDK, by which its requests are known: "Cost Explorer".
	ID string
	// Name for which its requests are signed, with which Calls begin: "ce".
	Name string
	// Rate of requests from one account, in each region.
	Rate Rate
	// PerAccount is set when the regions of an account share the rate.
	PerAccount bool
	// Price of each request in USD, where AWS charges so much that a run must not send
	// many: Config.MaxPaidRequests are allowed. 0: nothing, or next to nothing.
	Price float64
	// Quota is the address of the page that says what AWS allows.
	Quota string
}

func validateServices(services []Service) error {
	var faults []error
	ids, names := map[string]bool{}, map[string]bool{}
	for _, s := range services {
		if s.ID == "" || s.Name == "" {
			faults = append(faults, fmt.Errorf("service %q %q has no ID or no Name", s.ID, s.Name))
		}
		if ids[s.ID] || names[s.Name] {
			faults = append(faults, fmt.Errorf("service %q (%s) is named twice", s.ID, s.Name))
		}
		ids[s.ID], names[s.Name] = true, true
		if s.Rate.PerSecond <= 0 || s.Rate.Burst < 0 {
			faults = append(faults, fmt.Errorf("service %q: Rate is not positive", s.ID))
		}
		if !(s.Price >= 0) {
			faults = append(faults, fmt.Errorf("service %q: Price is negative", s.ID))
		}
	}
	return errors.Join(faults...)
}

// unnamed is the rate of requests to services that Config.Services does not name.
var unnamed = Rate{PerSecond: 1}

// Limits bounds the requests from one account: it has a limiter for each service and
// region. Runners of the same account share one, because their regions share some quotas
// (Service.PerAccount).
type Limits struct {
	services map[string]Service // by ID

	mu       sync.Mutex
	limiters map[limiterKey]*rate.Limiter
}

type limiterKey struct{ service, region string }

// NewLimits returns the limits of one account, or every fault of the services. Requests to
// a service that is not named are limited to one a second.
func NewLimits(services []Service) (*Limits, error) {
	if err := validateServices(services); err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	l := &Limits{services: map[string]Service{}, limiters: map[limiterKey]*rate.Limiter{}}
	for _, s := range services {
		l.services[s.ID] = s
	}
	return l, nil
}

// errRate says that a request was not sent, because there was no time to wait for its turn.
var errRate = errors.New("collect: no time to wait for the rate of the service")

// wait blocks until a request of a service may be sent.
func (l *Limits) wait(ctx context.Context, service, region string) error {
	if err := l.limiter(service, region).Wait(ctx); err != nil {
		return fmt.Errorf("%w: %w", errRate, err)
	}
	return nil
}

func (l *Limits) limiter(service, region string) *rate.Limiter {
	r := unnamed
	if s, named := l.services[service]; named {
		r = s.Rate
		if s.PerAccount {
			region = ""
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := limiterKey{service, region}
	if l.limiters[key] == nil {
		l.limiters[key] = rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
	}
	return l.limiters[key]
}

// limited returns a copy of cfg. Clients made from it check what AWS answers. They wait
// for the limit of their service before each attempt of a request, so that retries
// count too, and before it is signed, so that a long wait does not age the signature.
// attempt is called for each one with the price of its service, and its error ends the
// request.
func limited(cfg aws.Config, l *Limits, attempt func(price float64) error) aws.Config {
	wait := middleware.FinalizeMiddlewareFunc("CollectRateLimit", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		service := awsmiddleware.GetServiceID(ctx)
		if err := l.wait(ctx, service, awsmiddleware.GetRegion(ctx)); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		if err := attempt(l.services[service].Price); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		return next.HandleFinalize(ctx, in)
	})
	cfg = awsanswer.Install(cfg)
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(wait, "Retry", middleware.After)
	})
	return cfg
}
