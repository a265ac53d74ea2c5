package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Functions are listed in their unpublished versions, replicas of Lambda@Edge in us-east-1
// alone. One request reads 50 of them, and AWS charges nothing for it. Environment variables,
// where people keep secrets, are left out with their names.
var LambdaFunctions = collect.Collector[schemas.LambdaFunction]{
	Category: schemas.LambdaFunctions,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls:    []string{"lambda:ListFunctions"},
	Hints: []collect.Hint{
		// CloudTrail names the version of the API, too: CreateFunction20150331.
		{Source: "aws.lambda", Calls: []string{
			"CreateFunction*", "UpdateFunctionCode*", "UpdateFunctionConfiguration*", "DeleteFunction*",
		}},
	},
	Collect: collectLambdaFunctions,
}

// The quota of all requests that change nothing and are not of GetFunction or GetPolicy is
// 15 a second.
var lambdaService = collect.Service{
	ID:    "Lambda",
	Name:  "lambda",
	Rate:  collect.Rate{PerSecond: 5, Burst: 5},
	Quota: "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
}

func collectLambdaFunctions(ctx context.Context, env *collect.Env, emit func(schemas.LambdaFunction) error) error {
	pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(env.AWS), &lambda.ListFunctionsInput{
		MaxItems: aws.Int32(50),
	})
	list := each(ctx, pages, func(p *lambda.ListFunctionsOutput) ([]types.FunctionConfiguration, *string) {
		return p.Functions, p.NextMarker
	})
	row := func(f *types.FunctionConfiguration) schemas.LambdaFunction { return lambdaFunction(env, f) }
	return emitEach(list, row, emit)
}

func lambdaFunction(env *collect.Env, f *types.FunctionConfiguration) schemas.LambdaFunction {
	row := schemas.LambdaFunction{
		FunctionARN:     aws.ToString(f.FunctionArn),
		Name:            aws.ToString(f.FunctionName),
		Description:     freeText(f.Description),
		Runtime:         enum(f.Runtime),
		PackageType:     enum(f.PackageType),
		Architectures:   jsonOf(f.Architectures),
		Handler:         text(f.Handler),
		RoleARN:         text(f.Role),
		MemoryMB:        integer(f.MemorySize),
		TimeoutSeconds:  integer(f.Timeout),
		CodeSizeBytes:   &f.CodeSize,
		CodeSHA256:      text(f.CodeSha256),
		KMSKeyARN:       text(f.KMSKeyArn),
		Layers:          jsonOf(f.Layers),
		FunctionVersion: text(f.Version),
		LastModifiedAt: parseTime(env, aws.ToString(f.FunctionArn), "LastModified", f.LastModified,
			"2006-01-02T15:04:05.999-0700"),
	}
	if f.EphemeralStorage != nil {
		row.EphemeralStorageMB = integer(f.EphemeralStorage.Size)
	}
	if vpc := f.VpcConfig; vpc != nil {
		row.VPCID, row.SubnetIDs, row.SecurityGroupIDs = text(vpc.VpcId), jsonOf(vpc.SubnetIds), jsonOf(vpc.SecurityGroupIds)
	}
	if f.TracingConfig != nil {
		row.TracingMode = enum(f.TracingConfig.Mode)
	}
	if f.DeadLetterConfig != nil {
		row.DeadLetterTargetARN = text(f.DeadLetterConfig.TargetArn)
	}
	if f.SnapStart != nil {
		row.SnapStart = enum(f.SnapStart.ApplyOn)
	}
	if f.LoggingConfig != nil {
		row.LogGroup = text(f.LoggingConfig.LogGroup)
	}
	return row
}
