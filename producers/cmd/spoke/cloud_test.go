package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// cloud answers what awsfake does not: regions by account, the accounts of an organization,
// and a secret in every account and region.
type cloud struct {
	mu       sync.Mutex
	accounts []cloudAccount
	denied   map[string]bool // operations
	asked    []string        // account, region and operation of each request
}

type cloudAccount struct {
	ID      string `json:"Id"`
	State   string
	Paths   []string
	regions []string
}

var (
	signedRE = regexp.MustCompile(`Credential=A[KS]IA(\d{12})\w*/\d+/([\w-]+)/`)
	actionRE = regexp.MustCompile(`Action=(\w+)`)
)

// serve makes the clients of EC2, Organizations and Secrets Manager ask the cloud.
func (c *cloud) serve(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	for _, service := range []string{"EC2", "ORGANIZATIONS", "SECRETS_MANAGER"} {
		t.Setenv("AWS_ENDPOINT_URL_"+service, server.URL)
	}
}

// askedFor returns how often an operation was asked for by an account.
func (c *cloud) askedFor(account, operation string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, line := range c.asked {
		if strings.HasPrefix(line, account) && strings.HasSuffix(line, operation) {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if m := actionRE.FindSubmatch(body); operation == "" && m != nil {
		operation = string(m[1])
	}
	signed := signedRE.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	account, region := signed[1], signed[2]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, account+" "+region+" "+operation)
	if c.denied[operation] {
		deny(w, operation)
		return
	}
	switch operation {
	case "DescribeRegions":
		fmt.Fprint(w, `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>`)
		for _, a := range c.accounts {
			for _, region := range a.regions {
				if a.ID == account {
					fmt.Fprintf(w, `<item><regionName>%s</regionName><optInStatus>opted-in</optInStatus></item>`, region)
				}
			}
		}
		fmt.Fprint(w, `</regionInfo></DescribeRegionsResponse>`)
	case "ListAccounts":
		var in struct{ NextToken string }
		json.Unmarshal(body, &in)
		half := len(c.accounts) / 2
		page := map[string]any{"Accounts": c.accounts[half:]}
		if in.NextToken == "" {
			page = map[string]any{"Accounts": c.accounts[:half], "NextToken": "2"}
		}
		json.NewEncoder(w).Encode(page)
	case "ListSecrets":
		arn := fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:db-a1b2c3", region, account)
		json.NewEncoder(w).Encode(map[string]any{"SecretList": []any{map[string]any{"ARN": arn, "Name": "db"}}})
	default:
		http.Error(w, operation, http.StatusNotFound)
	}
}

func deny(w http.ResponseWriter, operation string) {
	w.WriteHeader(http.StatusForbidden)
	if operation == "DescribeRegions" {
		fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>`+
			`<RequestID>x</RequestID></Response>`)
		return
	}
	fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"no"}`)
}
