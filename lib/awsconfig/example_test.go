package awsconfig_test

import (
	"context"
	"fmt"
	"os"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
)

func Example() {
	// A stand-in for AWS; with AWS itself, leave these lines out.
	server, err := awsfake.New(awsfake.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	os.Setenv("AWS_ENDPOINT_URL", server.URL())
	defer os.Unsetenv("AWS_ENDPOINT_URL")
	os.Setenv("AWS_ACCESS_KEY_ID", "AKIA111122223333")
	defer os.Unsetenv("AWS_ACCESS_KEY_ID")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	defer os.Unsetenv("AWS_SECRET_ACCESS_KEY")

	cfg, err := awsconfig.Load(context.Background(), awsconfig.Config{Region: "eu-central-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	identity, err := awsconfig.Account(context.Background(), cfg)
	fmt.Println(identity.Account, identity.Partition, err)
	// Output: 111122223333 aws <nil>
}
