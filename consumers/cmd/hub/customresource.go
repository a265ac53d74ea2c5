package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/hubspoke/observability/internal/program"
)

const (
	// resourceID names the custom resource: it is the same for ever, so that no update
	// replaces it.
	resourceID = "migration"
	// maxReason is how many characters of an error CloudFormation is told: an answer may
	// have 4 KiB.
	maxReason = 500
)

// customResource returns the function that CloudFormation calls when it creates, updates or
// deletes the custom resource. An error is a failed resource with that reason, and no error
// of the function: Lambda would repeat it after CloudFormation has gone on.
func (c migrateCommand) customResource(p program.Program, log *slog.Logger) cfn.CustomResourceLambdaFunction {
	c.Bootstrap = c.Bootstrap || c.MasterSecretARN != ""
	p.Stdout = io.Discard
	return cfn.LambdaWrap(func(ctx context.Context, event cfn.Event) (string, map[string]any, error) {
		if event.RequestType == cfn.RequestDelete {
			log.Info("the custom resource is deleted, and the database stays as it is")
			return resourceID, nil, nil
		}
		_, err := inTime(ctx, func(ctx context.Context) (any, error) {
			steps, err := c.migrate(ctx, p, log)
			for _, s := range steps {
				log.Info("migrated", "step", s.Step, "seconds", s.Seconds)
			}
			return nil, err
		})
		if unfilled, ok := errors.AsType[*fillError](err); ok { // others fill them, and nothing need go back
			log.Warn("migrated, and some views have no rows yet", "error", unfilled)
			return resourceID, nil, nil
		}
		if err != nil {
			err = explain("migrate", err)
			log.Error("migration failed", "error", err)
			return resourceID, nil, errors.New(program.Cut(err.Error(), maxReason))
		}
		return resourceID, nil, nil
	})
}
