package collect

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/schema"
)

// alwaysEnabled is a region of each partition that every account has.
var alwaysEnabled = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// ofRegion are the codes with which services refuse credentials that are good in
// other regions, because the account has not enabled theirs.
var ofRegion = []string{"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"}

const askTimeout = 30 * time.Second

// notThere marks err, from Collect, with [ErrDisabled] if it says that the service is
// not in the region, or the region not enabled. Both look like a broken network or
// wrong credentials, unless STS answers the same account at the same time. Errors of
// slices are marked each for itself.
func (r *Runner) notThere(ctx context.Context, t *target, err error) error {
	if err == nil {
		return nil
	}
	//nolint:errorlint // SliceErrors counts only as itself
	if bySlice, ok := err.(SliceErrors); ok {
		marked := SliceErrors{}
		for slice, err := range bySlice {
			marked[slice] = r.notThere(ctx, t, err)
		}
		return marked
	}
	elsewhere := alwaysEnabled[r.cfg.Partition]
	var ask []string
	if noSuchHost(err) {
		ask = []string{t.region, elsewhere}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains(ofRegion, api.ErrorCode()) &&
		t.region != elsewhere {
		ask = []string{elsewhere}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for _, region := range ask {
		cfg := r.cfg.AWS(region).Copy()
		cfg.RetryMaxAttempts = 2
		if identity, fault := awsconfig.Account(ctx, cfg); fault == nil && identity.Account == r.cfg.Account {
			return Disabled(err)
		}
	}
	return err
}

// noSuchHost reports whether err says that a host does not exist. A proxy, which looks it up
// in place of the SDK, says as much of a host that it cannot reach.
func noSuchHost(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	proxy, ok := errors.AsType[*awsconfig.ProxyError](err)
	return ok && proxy.Status >= http.StatusInternalServerError
}

// sayDisabled says once why a service is not collected.
func (r *Runner) sayDisabled(t *target, log *slog.Logger, results []Result) {
	disabled := !slices.ContainsFunc(results, func(r Result) bool { return r.Outcome != schema.Disabled })
	if disabled && !t.disabled {
		log.Info("the service is not enabled here, or not in the plan: enable it or leave the category out; said once",
			"reason", results[0].CollectErr)
	}
	t.disabled = disabled
}
