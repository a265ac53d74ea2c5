package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/schema"
)

// Reason says why a probe has its verdict. It is for people, who know from it where to look,
// and never for programs: some are read from AWS's texts, which change.
type Reason string

// The reasons. Those of a denial name the kind of the policy that denies, or does not allow.
const (
	ReasonIdentity       Reason = "identity"        // a policy of the role or user
	ReasonBoundary       Reason = "boundary"        // its permissions boundary
	ReasonSession        Reason = "session"         // the policy of its session
	ReasonSCP            Reason = "scp"             // a service control policy of the organization
	ReasonRCP            Reason = "rcp"             // a resource control policy of the organization
	ReasonResource       Reason = "resource"        // the policy of the resource
	ReasonEndpointPolicy Reason = "endpoint_policy" // that of a VPC endpoint
	ReasonTrust          Reason = "trust"           // the trust policy of a role
	ReasonDenied         Reason = "denied"          // AWS does not say which

	ReasonServiceOff  Reason = "service_off"
	ReasonSupportPlan Reason = "support_plan"
	ReasonRegionOff   Reason = "region_off"
	ReasonNotOffered  Reason = "not_offered" // the service is not in the region

	ReasonUnreachable Reason = "unreachable"
	ReasonClock       Reason = "clock" // the clock of this machine is wrong
	ReasonCredentials Reason = "credentials"
	ReasonThrottled   Reason = "throttled"
	ReasonOther       Reason = "other"
)

// denialRE finds the kind of a policy in the text of a denial:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var denialRE = regexp.MustCompile(`(?:with an explicit deny in an? |because no )` +
	`(?:(service control|resource control|identity-based|resource-based|VPC endpoint|session|role trust) policy|` +
	`(permissions boundary))`)

var policyRE = regexp.MustCompile(`arn:aws[a-z-]*:(?:iam|organizations)::[^\s,]*:policy/[^\s,]*[^\s,.]`)

// denials are the reasons by the words of denialRE.
var denials = map[string]Reason{
	"service control": ReasonSCP, "resource control": ReasonRCP, "identity-based": ReasonIdentity,
	"resource-based": ReasonResource, "VPC endpoint": ReasonEndpointPolicy, "session": ReasonSession,
	"role trust": ReasonTrust,
}

// denialOf reads the text of a denial: which kind of policy denies, and its ARN if it is
// named. Of a text that is not known it is ReasonDenied.
func denialOf(text string) (Reason, string) {
	m := denialRE.FindStringSubmatchIndex(text)
	if m == nil {
		return ReasonDenied, ""
	}
	reason := ReasonBoundary
	if m[2] >= 0 {
		reason = denials[text[m[2]:m[3]]]
	}
	return reason, policyRE.FindString(text[m[1]:])
}

// tooOld are the codes with which services refuse a signature, also for its time.
var tooOld = []string{"InvalidSignatureException", "SignatureDoesNotMatch"}

// judge sets the verdict by the error that counts.
func (p *Probe) judge(err error) {
	p.Err = err
	p.Verdict, p.Reason, p.Policy = verdictOf(err)
	if p.Reason == ReasonClock {
		p.Err = fmt.Errorf("%w%s", err, skew(err))
	}
}

func verdictOf(err error) (Verdict, Reason, string) {
	var code, text string
	api, answered := errors.AsType[smithy.APIError](err)
	if answered {
		code, text = api.ErrorCode(), api.ErrorMessage()
	}
	_, expired := errors.AsType[*awsconfig.ExpiredError](err)
	off := errors.Is(err, ErrDisabled)
	switch {
	case err == nil:
		return ProbeOK, "", ""
	case noSuchHost(err) && off:
		return ProbeOff, ReasonNotOffered, ""
	case slices.Contains(ofRegion, code) && off:
		return ProbeOff, ReasonRegionOff, ""
	case code == "SubscriptionRequiredException":
		return ProbeOff, ReasonSupportPlan, ""
	case Classify(err) == schema.Disabled:
		return ProbeOff, ReasonServiceOff, ""
	case code == "RequestTimeTooSkewed", slices.Contains(tooOld, code) && (strings.Contains(text, "Signature expired") ||
		strings.Contains(text, "not yet current")):
		return ProbeFailed, ReasonClock, ""
	case slices.Contains(ofRegion, code), slices.Contains(tooOld, code), strings.HasPrefix(code, "ExpiredToken"), expired,
		errors.Is(err, awsconfig.ErrNoCredentials):
		return ProbeFailed, ReasonCredentials, ""
	case Classify(err) == schema.Denied:
		reason, policy := denialOf(text)
		return ProbeDenied, reason, policy
	case Classify(err) == schema.Throttled, retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool():
		return ProbeFailed, ReasonThrottled, ""
	case !answered && isUnreachable(err):
		return ProbeUnreachable, ReasonUnreachable, ""
	}
	return ProbeFailed, ReasonOther, ""
}

// isUnreachable reports whether err says that AWS was not reached: no address, no connection,
// no answer in time, or the answer of somebody else.
func isUnreachable(err error) bool {
	if _, ok := errors.AsType[*awsconfig.ProxyError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true // DNS, dial, TLS and time-outs
	}
	send, ok := errors.AsType[*smithyhttp.RequestSendError](err)
	return ok && send.Err != nil || errors.Is(err, context.DeadlineExceeded)
}

// skew returns by how much the clock of this machine differs from that of AWS, as a text.
func skew(err error) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.HTTPResponse() == nil {
		return ""
	}
	theirs, err := http.ParseTime(response.HTTPResponse().Header.Get("Date"))
	if err != nil {
		return ""
	}
	difference := time.Since(theirs).Round(time.Second)
	if difference < 0 {
		return fmt.Sprintf("; the clock of this machine is %v behind that of AWS", -difference)
	}
	return fmt.Sprintf("; the clock of this machine is %v ahead of that of AWS", difference)
}
