package simulate

import (
	"github.com/hubspoke/observability/producers/collectors"
	"github.com/hubspoke/observability/schemas"
)

// Functions of all ages, some with runtimes that AWS does not care for any more.
var lambdaFunctions = kind[schemas.LambdaFunction]{
	of:   collectors.LambdaFunctions,
	size: 25,
	make: newLambdaFunction,
}

func newLambdaFunction(g *gen) schemas.LambdaFunction {
	name := g.account.Name + "-" + g.app() + "-" + g.hex(4)
	f := schemas.LambdaFunction{
		FunctionARN:        g.arn("lambda", "function:"+name),
		Name:               name,
		PackageType:        new("Zip"),
		Architectures:      jsonOf([]string{pick(g, "arm64", "x86_64")}),
		Runtime:            new(pick(g, "python3.13", "python3.9", "nodejs22.x", "nodejs16.x", "java21")),
		Handler:            new("main.handler"),
		RoleARN:            new("arn:aws:iam::" + g.account.ID + ":role/" + name),
		MemoryMB:           new(pick[int64](g, 128, 256, 1024)),
		TimeoutSeconds:     new(pick[int64](g, 3, 30, 900)),
		EphemeralStorageMB: new(int64(512)),
		CodeSizeBytes:      new(int64(1000 + g.IntN(50_000_000))),
		CodeSHA256:         new(g.hex(43) + "="),
		TracingMode:        new(pick(g, "PassThrough", "Active")),
		SnapStart:          new("None"),
		LogGroup:           new("/aws/lambda/" + name),
		FunctionVersion:    new("$LATEST"),
		LastModifiedAt:     new(g.created(3 * year)),
	}
	if g.chance(0.5) {
		f.Description = new("Calls " + g.app())
	}
	if g.chance(0.1) {
		f.PackageType, f.Runtime, f.Handler, f.CodeSizeBytes = new("Image"), nil, nil, new(int64(0))
	}
	if g.chance(0.3) {
		f.VPCID, f.SubnetIDs = new("vpc-0"+g.hex(16)), jsonOf([]string{"subnet-0" + g.hex(16)})
		f.SecurityGroupIDs = jsonOf([]string{"sg-0" + g.hex(16)})
	}
	if g.chance(0.2) {
		f.KMSKeyARN = new(g.arn("kms", "key/"+g.uuid()))
		f.DeadLetterTargetARN = new(g.arn("sqs", name+"-failed"))
		f.Layers = jsonOf([]map[string]any{{"Arn": g.arn("lambda", "layer:common:3"), "CodeSize": 123456}})
	}
	return f
}
