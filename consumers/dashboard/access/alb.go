package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ALBConfig says which load balancer is believed. All but GroupsClaim and Now are needed.
type ALBConfig struct {
	// ARN of the Application Load Balancer that logs people in.
	ARN string
	// Issuer and Client are those of its listener's rule.
	Issuer, Client string
	// GroupsClaim is the claim with the groups of somebody. "" is "groups".
	GroupsClaim string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// ALB believes what an Application Load Balancer says of the one it has logged in: the
// header x-amzn-oidc-data, a token that the load balancer signs.
type ALB struct {
	cfg    ALBConfig
	keys   keys
	parser *jwt.Parser
}

// loadBalancerARN tells partition and region of an Application Load Balancer.
var loadBalancerARN = regexp.MustCompile(
	`^arn:(aws|aws-us-gov):elasticloadbalancing:([a-z0-9-]{1,32}):[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]+/[0-9a-f]+$`)

// clockSkew is how far the clocks of this host and the load balancer may be apart.
const clockSkew = 10 * time.Second

// NewALB returns the gate, or what is wrong with the configuration.
func NewALB(cfg ALBConfig) (*ALB, error) {
	m := loadBalancerARN.FindStringSubmatch(cfg.ARN)
	if m == nil {
		return nil, fmt.Errorf("%q is not the ARN of an Application Load Balancer: "+
			"arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID", cfg.ARN)
	}
	if cfg.Issuer == "" || cfg.Client == "" {
		return nil, errors.New("issuer and client of the listener's rule are needed")
	}
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	url := "https://public-keys.auth.elb." + m[2] + ".amazonaws.com/"
	if m[1] == "aws-us-gov" {
		url = "https://s3-" + m[2] + ".amazonaws.com/aws-elb-public-keys-prod-" + m[2] + "/"
	}
	return &ALB{cfg: cfg, keys: keys{url: url, now: cfg.Now}, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}),
		jwt.WithPaddingAllowed(), // the load balancer pads, which the standard forbids
		jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(cfg.Now))}, nil
}

// Admit returns who the load balancer has logged in.
func (a *ALB) Admit(_ http.ResponseWriter, r *http.Request) (*Viewer, error) {
	if isPublic(r) {
		return new(Viewer), nil
	}
	tokens := r.Header.Values("X-Amzn-Oidc-Data")
	if len(tokens) != 1 {
		return nil, &Refusal{Status: http.StatusUnauthorized, Reason: "no token", Title: "You are not logged in.",
			Next: "Open the address of the load balancer: its rule has to authenticate before it forwards."}
	}
	claims := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(tokens[0], claims, func(t *jwt.Token) (any, error) {
		if err := a.check(t.Header); err != nil {
			return nil, err
		}
		return a.keys.get(r.Context(), t.Header["kid"].(string))
	})
	if issuer, ok := claims["iss"]; err == nil && ok && issuer != a.cfg.Issuer {
		err = errors.New("the claims have another issuer than the header")
	}
	var v *Viewer
	if err == nil {
		v, err = viewer(claims, a.cfg.GroupsClaim)
	}
	switch {
	case errors.Is(err, errKeysAway):
		return nil, &Refusal{Status: http.StatusServiceUnavailable, Reason: "no key", Err: err,
			Title: "Your login cannot be verified now.",
			Next:  "The keys of the load balancer could not be read. Try again in a minute; the log of hub dashboard says more."}
	case err != nil:
		return nil, &Refusal{Status: http.StatusUnauthorized, Reason: "invalid token", Err: err,
			Title: "Your login is not valid here.",
			Next:  "Load the page again to log in anew. If that does not help, the log of hub dashboard says why."}
	}
	return v, nil
}

// keyID is how the load balancer names keys. Anything else could lead to another address.
var keyID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// check compares the header of a token with the configuration. Only these say that the
// token is for this dashboard: others have load balancers with keys of the same host.
func (a *ALB) check(header map[string]any) error {
	for name, want := range map[string]string{"signer": a.cfg.ARN, "iss": a.cfg.Issuer, "client": a.cfg.Client} {
		if header[name] != want {
			return fmt.Errorf("the token's %s is %q, want %q", name, header[name], want)
		}
	}
	if kid, _ := header["kid"].(string); !keyID.MatchString(kid) {
		return fmt.Errorf("the token's kid is %q, which is no UUID", header["kid"])
	}
	text, err := json.Marshal(header["exp"]) // a number, or the text of one
	if err != nil {
		return err
	}
	var expires json.Number
	if err := json.Unmarshal(text, &expires); err != nil {
		return fmt.Errorf("the token's exp is %s, which is no time", text)
	}
	seconds, err := expires.Float64()
	if err != nil || !(seconds > float64(a.cfg.Now().Add(-clockSkew).Unix())) {
		return fmt.Errorf("the token has expired: exp is %s, and the clock here says %d", text, a.cfg.Now().Unix())
	}
	return nil
}
