package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
)

// login is what RDS and QuickSight keep in a secret.
type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// readSecret reads a login from AWS Secrets Manager. The flag names the secret.
func (f awsFlags) readSecret(ctx context.Context, flag, id string, log *slog.Logger) (l login, err error) {
	parsed, err := arn.Parse(id)
	if err != nil || parsed.Service != "secretsmanager" {
		return l, program.Usagef("%s %q is not the ARN of a secret, such as "+
			"arn:aws:secretsmanager:eu-central-1:444455556666:secret:core-AbCdEf", flag, id)
	}
	f.Region = parsed.Region
	cfg, err := f.load(ctx, "", log)
	if err != nil {
		return l, err
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: &id}
	answer, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, in)
	switch {
	case away(err):
		return l, fmt.Errorf("%s: read %s: %s: %w; without a way to the internet the subnets need an endpoint of "+
			"Secrets Manager", flag, id, awsconfig.NoAnswer, err)
	case err != nil:
		return l, program.Usagef("%s: read %s: %w; check that it is there, and that secretsmanager:GetSecretValue is "+
			"allowed on it and kms:Decrypt on its key", flag, id, err)
	}
	if json.Unmarshal([]byte(aws.ToString(answer.SecretString)), &l) != nil || l.Username == "" || l.Password == "" {
		return login{}, program.Usagef(`%s: the value of %s has not the form {"username": "…", "password": "…"}`, flag, id)
	}
	return l, nil
}
