package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// expired are the codes with which AWS services refuse credentials that were valid once.
var expired = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}

// ExpiredError is the answer of AWS that credentials have expired, after they were
// looked for again without finding others.
type ExpiredError struct {
	// Source of the credentials, as the SDK names it.
	Source string
	// Err is what AWS answered, Renewal why no others could be had, if there is more to say.
	Err, Renewal error
}

// Error says what to do about it.
func (e *ExpiredError) Error() string {
	text := fmt.Sprintf("%v; the AWS credentials have expired (or the clock of this machine is wrong), and no others "+
		"were found", e.Err)
	if e.Renewal != nil {
		text += fmt.Sprintf(" (%v)", e.Renewal)
	}
	switch e.Source {
	case "EnvConfigCredentials":
		return text + ": get new ones into the environment and start again"
	case "CredentialsEndpointProvider", "EC2RoleProvider":
		return text // they come by themselves
	}
	return text + ": get new ones, such as with `aws sso login`; they are found without a new start"
}

// Unwrap returns Err.
func (e *ExpiredError) Unwrap() error { return e.Err }

func isExpired(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(expired, api.ErrorCode())
}

// renewable are credentials that can be had anew: from files that somebody has
// written since, or from the server or program that gave them. It is safe for
// concurrent use.
type renewable struct {
	provider atomic.Pointer[aws.CredentialsProvider]
	// again returns a provider that knows nothing of what was.
	again func(context.Context) (aws.CredentialsProvider, error)
	mu    sync.Mutex // held while they are had anew
}

func newRenewable(provider aws.CredentialsProvider,
	again func(context.Context) (aws.CredentialsProvider, error)) *renewable {
	r := &renewable{again: again}
	r.provider.Store(&provider)
	return r
}

// Retrieve implements aws.CredentialsProvider.
func (r *renewable) Retrieve(ctx context.Context) (aws.Credentials, error) {
	return (*r.provider.Load()).Retrieve(ctx)
}

// renew reports whether there are other credentials than those that were used.
func (r *renewable) renew(ctx context.Context, used aws.Credentials) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	other := func() (bool, error) {
		now, err := r.Retrieve(ctx)
		return err == nil && (now.AccessKeyID != used.AccessKeyID || now.SessionToken != used.SessionToken), err
	}
	if ok, err := other(); ok {
		return true, err // somebody else was faster
	}
	provider, err := r.again(ctx)
	if err != nil {
		return false, err
	}
	r.provider.Store(&provider)
	return other()
}

// install gives cfg the credentials, and its clients what renews them.
func (r *renewable) install(cfg *aws.Config) {
	cfg.Credentials = r
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(stack *middleware.Stack) error {
		_, _ = stack.Finalize.Remove(r.ID()) // that of the credentials with which a role was assumed
		if _, ok := stack.Finalize.Get("Retry"); !ok {
			return nil
		}
		return stack.Finalize.Insert(r, "Retry", middleware.Before)
	})
}

// ID implements middleware.FinalizeMiddleware.
func (r *renewable) ID() string { return "RenewCredentials" }

// HandleFinalize makes a request once more that was refused for its credentials, if
// there are others by now.
func (r *renewable) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	used, _ := r.Retrieve(ctx) // an error shows when the request is signed
	out, metadata, err := next.HandleFinalize(ctx, in)
	if !isExpired(err) || ctx.Err() != nil {
		return out, metadata, err
	}
	renewed, fault := r.renew(ctx, used)
	if request, ok := in.Request.(*smithyhttp.Request); !renewed || ok && request.RewindStream() != nil {
		return out, metadata, &ExpiredError{Source: used.Source, Err: err, Renewal: fault}
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	if isExpired(err) {
		err = &ExpiredError{Source: used.Source, Err: err}
	}
	return out, metadata, err
}

// Renewing is for a cfg that is not from [Load]. It returns a copy; clients made from
// the copy drop the cached credentials when AWS says that they have expired, and ask
// once more if there are others then.
func Renewing(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	provider := cfg.Credentials
	newRenewable(provider, func(context.Context) (aws.CredentialsProvider, error) {
		if cache, ok := provider.(interface{ Invalidate() }); ok {
			cache.Invalidate()
		}
		return provider, nil
	}).install(&cfg)
	return cfg
}
