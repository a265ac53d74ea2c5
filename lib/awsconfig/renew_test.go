package awsconfig_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hubspoke/observability/lib/awsconfig"
)

const (
	identityXML = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	assumedXML  = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t%d</SessionToken>` +
		`<Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
)

// Credentials in a shared file that somebody renewed are found when AWS refuses the
// old ones, whatever its code for it, and the request is made again.
func TestExpiredCredentialsAreReadAgain(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"} {
		t.Run(code, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "credentials")
			write := func(key string) {
				text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = s\naws_session_token = t\n", key)
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var requests atomic.Int32
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				sent, _ := io.ReadAll(r.Body)
				switch {
				case !strings.Contains(r.Header.Get("Authorization"), "AKIANEW"):
					w.WriteHeader(http.StatusForbidden)
					fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>", code)
				case r.Method == http.MethodPut && string(sent) != "content":
					w.WriteHeader(http.StatusBadRequest)
				case r.Method == http.MethodPost:
					fmt.Fprint(w, identityXML)
				}
			})
			write("AKIAOLD")
			isolate(t, "AWS_SHARED_CREDENTIALS_FILE="+file, "AWS_ENDPOINT_URL="+address)
			cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1"})
			if err != nil {
				t.Fatal(err)
			}
			client := sts.NewFromConfig(cfg)
			_, err = client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			var gone *awsconfig.ExpiredError
			if !errors.As(err, &gone) || !strings.Contains(err.Error(), "aws sso login") || requests.Load() != 1 {
				t.Errorf("the file is old: %v after %d requests", err, requests.Load())
			}
			write("AKIANEW")
			if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil ||
				requests.Load() != 3 {
				t.Errorf("the file is new: %v after %d requests", err, requests.Load())
			}
			if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil ||
				requests.Load() != 4 {
				t.Errorf("afterwards: %v after %d requests", err, requests.Load())
			}
		})
	}
}

// A request with a body is sent again from its beginning, and a role is assumed anew.
func TestExpiredRoleIsAssumedAgain(t *testing.T) {
	var assumed atomic.Int32
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(sent), "Action=AssumeRole"):
			n := assumed.Add(1)
			fmt.Fprintf(w, assumedXML, n, n)
		case r.Header.Get("X-Amz-Security-Token") == "t1":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<Error><Code>ExpiredToken</Code></Error>")
		case !strings.Contains(string(sent), "content"):
			w.WriteHeader(http.StatusTeapot)
		}
	})
	isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL="+address)
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1", Role: awsconfig.Role{ARN: role}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsconfig.S3(cfg).PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("content")})
	if err != nil || assumed.Load() != 2 {
		t.Errorf("%v, assumed %d times", err, assumed.Load())
	}
}

// Nobody can renew variables of the environment from outside.
func TestExpiredEnvironment(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>")
	})
	isolate(t, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_ENDPOINT_URL="+address)
	cfg, err := awsconfig.Load(t.Context(), awsconfig.Config{Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awsconfig.Account(t.Context(), cfg); err == nil ||
		!strings.Contains(err.Error(), "get new ones into the environment and start again") {
		t.Errorf("got %v", err)
	}
}
