package program

import (
	"os"
	"time"
)

// InLambda reports whether the process is a function of AWS Lambda.
func InLambda() bool { return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// lambdaHandler returns the command that a function of Lambda is configured with, as its
// handler: the runtime starts the program without arguments. Elsewhere it returns "".
func lambdaHandler(args []string) string {
	if len(args) > 0 || !InLambda() {
		return ""
	}
	return os.Getenv("_HANDLER")
}

// LambdaMargin returns how long before its deadline an invocation stops what it does, so
// that it can still say what came of it: a tenth of the time, 30 seconds at most.
func LambdaMargin(deadline time.Time) time.Duration {
	return min(time.Until(deadline)/10, 30*time.Second)
}
