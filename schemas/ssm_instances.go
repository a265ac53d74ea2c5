package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SSMInstance is one managed node of AWS Systems Manager as seen in one account and region:
// an EC2 instance, or a machine elsewhere that is registered with an activation. A node that
// is stopped for long or terminated is no longer listed, and is gone. Columns come from
// DescribeInstanceInformation (InstanceInformation).
type SSMInstance struct {
	// Identifier of the node (InstanceId): i-… of an EC2 instance, mi-… of a node elsewhere.
	InstanceID string `col:"instance_id,key"`
	// Name that the node was given with its activation (Name). Null: it is an EC2 instance, or has none.
	Name *string `col:"name"`
	// Host name of the node, fully qualified (ComputerName). Some machines are named after people.
	ComputerName *string `col:"computer_name,personal=identity"`
	// IP address of the node (IPAddress).
	IPAddress *string `col:"ip_address,personal=network"`
	// Kind of the node: EC2Instance or ManagedInstance (ResourceType).
	ResourceType *string `col:"resource_type"`
	// Kind of what the node runs on, such as AWS::EC2::Instance or AWS::IoT::Thing (SourceType). Null: AWS does not
	// report it.
	SourceType *string `col:"source_type"`
	// Identifier of what the node runs on, such as the name of the IoT thing (SourceId). Null: AWS does not report it.
	SourceID *string `col:"source_id"`
	// Whether the agent reports: Online, ConnectionLost or Inactive (PingStatus).
	PingStatus *string `col:"ping_status"`
	// When the agent reported last (LastPingDateTime).
	LastPingAt *time.Time `col:"last_ping_at"`
	// Version of the SSM agent (AgentVersion).
	AgentVersion *string `col:"agent_version"`
	// Whether this is the latest version of the agent (IsLatestVersion). Says nothing about some versions of Windows.
	IsLatestVersion *bool `col:"is_latest_version"`
	// Kind of the operating system: Linux, Windows or MacOS (PlatformType).
	PlatformType *string `col:"platform_type"`
	// Name of the operating system, such as Amazon Linux (PlatformName).
	PlatformName *string `col:"platform_name"`
	// Version of the operating system (PlatformVersion).
	PlatformVersion *string `col:"platform_version"`
	// IAM role that Systems Manager uses on the node (IamRole). Null: the instance profile of the EC2 instance.
	IAMRole *string `col:"iam_role"`
	// Activation by which the node was registered (ActivationId). Null: it is an EC2 instance.
	ActivationID *string `col:"activation_id"`
	// When the node was registered (RegistrationDate). Null: it is an EC2 instance.
	RegisteredAt *time.Time `col:"registered_at"`
	// State of the associations of the node, such as Success or Failed (AssociationStatus). Null: it has none.
	AssociationStatus *string `col:"association_status"`
	// JSON object of the associations: DetailedStatus, and by status how many (AssociationOverview). Null: the node has
	// none.
	AssociationOverview schema.JSON `col:"association_overview,object"`
	// When an association ran last (LastAssociationExecutionDate). Null: never.
	LastAssociationAt *time.Time `col:"last_association_at"`
	// When an association ran last and succeeded (LastSuccessfulAssociationExecutionDate). Null: never.
	LastAssociationSuccessAt *time.Time `col:"last_association_success_at"`
}

// SSMInstances is the category "ssm_instances": every run lists all managed nodes of one
// account and region.
var SSMInstances = schema.Of[SSMInstance](schema.Spec{Name: "ssm_instances", Mode: schema.Snapshot})
