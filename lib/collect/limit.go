package collect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/hubspoke/observability/lib/awsanswer"
)

func (r Rate) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
}

// limited returns a copy of cfg whose clients check what AWS answers, and wait for the limiter before each
// attempt of a request, so that retries count too, and before it is signed, so
// that a long wait does not age the signature. attempt is called for each one, and
// its error ends the request.
func limited(cfg aws.Config, limiter *rate.Limiter, attempt func() error) aws.Config {
	wait := middleware.FinalizeMiddlewareFunc("CollectRateLimit", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := limiter.Wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		if err := attempt(); err != nil {
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
