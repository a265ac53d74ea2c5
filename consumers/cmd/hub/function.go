package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/hubspoke/observability/internal/program"
)

// serveLambda answers the invocations of a Lambda function until the runtime ends the
// process.
func serveLambda[In, Out any](ctx context.Context, invoke func(context.Context, In) (Out, error)) error {
	lambda.StartWithOptions(invoke, lambda.WithContext(ctx))
	return nil
}

// errTimeUp says that an invocation had to end before its work was done.
var errTimeUp = errors.New("the time of the function is up: raise its timeout, or invoke it again")

// inTime returns what run returns. The context of run ends a while before the invocation
// does. What hangs even then is left to itself, so that somebody learns of it.
func inTime[Out any](ctx context.Context, run func(context.Context) (Out, error)) (out Out, err error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return run(ctx)
	}
	type result struct {
		out Out
		err error
	}
	ended := make(chan result, 1)
	margin := program.LambdaMargin(deadline)
	work, cancel := context.WithDeadline(ctx, deadline.Add(-margin))
	defer cancel()
	answer, cancel := context.WithDeadline(ctx, deadline.Add(-margin/2))
	defer cancel()
	go func() {
		out, err := run(work)
		ended <- result{out, err}
	}()
	select {
	case r := <-ended:
		if r.err != nil && work.Err() != nil {
			r.err = fmt.Errorf("%w: %w", errTimeUp, r.err)
		}
		return r.out, r.err
	case <-answer.Done():
		return out, errTimeUp
	}
}
