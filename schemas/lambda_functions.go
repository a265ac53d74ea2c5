package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// LambdaFunction is one Lambda function as seen in one account and region, in its
// unpublished version ($LATEST). Columns come from ListFunctions (FunctionConfiguration).
// Environment variables are never read, not even their names. ListFunctions reports neither
// the state of a function nor its tags.
type LambdaFunction struct {
	// ARN of the function (FunctionArn).
	FunctionARN string `col:"function_arn,key"`
	// Name of the function, which is unique in the account and region (FunctionName).
	Name string `col:"name"`
	// Description that the owner gave the function (Description).
	Description *string `col:"description,personal=text"`
	// Runtime, such as python3.13 (Runtime). Null: the function is a container image.
	Runtime *string `col:"runtime"`
	// How the code is packed: Zip or Image (PackageType).
	PackageType *string `col:"package_type"`
	// JSON array of processor architectures: x86_64 or arm64 (Architectures).
	Architectures schema.JSON `col:"architectures,array"`
	// Function in the code that is called (Handler). Null: the function is a container image.
	Handler *string `col:"handler"`
	// ARN of the role that the function has (Role).
	RoleARN *string `col:"role_arn"`
	// Memory in MiB (MemorySize).
	MemoryMB *int64 `col:"memory_mb"`
	// Seconds after which Lambda stops the function (Timeout).
	TimeoutSeconds *int64 `col:"timeout_seconds"`
	// Size of /tmp in MiB (EphemeralStorage.Size).
	EphemeralStorageMB *int64 `col:"ephemeral_storage_mb"`
	// Size of the code in bytes (CodeSize). 0: the function is a container image.
	CodeSizeBytes *int64 `col:"code_size_bytes"`
	// SHA-256 hash of the code, of a Zip in base64 (CodeSha256).
	CodeSHA256 *string `col:"code_sha256"`
	// VPC that the function is connected to (VpcConfig.VpcId). Null: none.
	VPCID *string `col:"vpc_id"`
	// JSON array of the subnets that the function is connected to (VpcConfig.SubnetIds). Null: none.
	SubnetIDs schema.JSON `col:"subnet_ids,array"`
	// JSON array of the security groups of the function (VpcConfig.SecurityGroupIds). Null: none.
	SecurityGroupIDs schema.JSON `col:"security_group_ids,array"`
	// ARN of the KMS key that encrypts the environment variables (KMSKeyArn). Null: a key of AWS.
	KMSKeyARN *string `col:"kms_key_arn"`
	// Whether X-Ray traces are taken: Active or PassThrough (TracingConfig.Mode).
	TracingMode *string `col:"tracing_mode"`
	// ARN of the queue or topic that takes failed asynchronous calls (DeadLetterConfig.TargetArn). Null: none.
	DeadLetterTargetARN *string `col:"dead_letter_target_arn"`
	// JSON array of layers: Arn and CodeSize (Layers). Null: none.
	Layers schema.JSON `col:"layers,array"`
	// What SnapStart applies to: PublishedVersions or None (SnapStart.ApplyOn).
	SnapStart *string `col:"snap_start"`
	// Log group in CloudWatch Logs (LoggingConfig.LogGroup).
	LogGroup *string `col:"log_group"`
	// Version of the function: always $LATEST (Version).
	FunctionVersion *string `col:"function_version"`
	// When the function was changed last (LastModified).
	LastModifiedAt *time.Time `col:"last_modified_at"`
}

// LambdaFunctions is the category "lambda_functions": every run lists all functions of one
// account and region.
var LambdaFunctions = schema.Of[LambdaFunction](schema.Spec{Name: "lambda_functions", Mode: schema.Snapshot})
