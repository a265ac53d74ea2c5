package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SecurityService is one security service as it is set up in one account and region: the
// detector of GuardDuty, Security Hub, Inspector, a recorder of Config, an analyzer of Access
// Analyzer, Macie. Each service is a run of its own, and the outcome of the run says what a
// missing row means: empty, the service is off; disabled, it says so itself; denied, nobody
// knows. Columns come from the operations of each service; columns that a service does not
// fill are null.
type SecurityService struct {
	// Service: accessanalyzer, config, guardduty, inspector, macie or securityhub.
	Service string `col:"service,key,slice"`
	// Identifier in the service: detector, name of the recorder or analyzer, ARN of the hub, account of Inspector and
	// Macie.
	ResourceID string `col:"resource_id,key"`
	// ARN of the recorder, analyzer or hub. Null: the service has none.
	ResourceARN *string `col:"resource_arn"`
	// Whether it works now: status is ENABLED or ACTIVE, the recorder records, the hub is there. Null: AWS did not say.
	Enabled *bool `col:"enabled"`
	// Status in the words of the service, such as ENABLED, PAUSED, SUSPENDED or ACTIVE. Null: config and securityhub,
	// which have none.
	Status *string `col:"status"`
	// Account that administers GuardDuty for this account (GetAdministratorAccount). Null: none, or another service.
	AdministratorAccountID *string `col:"administrator_account_id"`
	// When it was set up; of config, when recording was last started.
	ServiceEnabledAt *time.Time `col:"service_enabled_at"`
	// When its status or settings last changed (guardduty, config, macie).
	ServiceUpdatedAt *time.Time `col:"service_updated_at"`
	// What went wrong last, in the words of the service (config, inspector, accessanalyzer). Null: nothing.
	LastError *string `col:"last_error"`
	// Result of the last delivery of Config: Pending, Success or Failure (LastStatus). Null: another service.
	LastStatus *string `col:"last_status"`
	// Whether Config records all types of resources (RecordingGroup.AllSupported). Null: another service.
	RecordsAllTypes *bool `col:"records_all_types"`
	// Whether Config records resources without regions, such as roles, here (RecordingGroup.IncludeGlobalResourceTypes).
	// Null: another service.
	RecordsGlobalTypes *bool `col:"records_global_types"`
	// JSON of the settings of the service: features of GuardDuty (array), what Inspector scans, RecordingGroup of Config,
	// type and configuration of the analyzer, AutoEnableControls of the hub (objects). Null: Macie.
	Settings schema.JSON `col:"settings"`
	// JSON object of the tags of the detector or analyzer (Tags). Null: none, or another service. A value that may be a
	// secret is [redacted] by the spoke.
	Tags schema.JSON `col:"tags,object"`
}

// SecurityServices is the category "security_services": a snapshot per service.
var SecurityServices = schema.Of[SecurityService](schema.Spec{Name: "security_services", Mode: schema.Snapshot})
