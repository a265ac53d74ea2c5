package schemas

import (
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// SSMApplication is one application or package that Systems Manager Inventory found on one
// managed node, as seen in one account and region. An application that a node lists several
// times is one row, the one that was installed last. Columns come from ListInventoryEntries
// (entries of the type AWS:Application).
type SSMApplication struct {
	// Identifier of the node (InstanceId), as in ssm_instances.
	InstanceID string `col:"instance_id,key"`
	// Name, version, release and architecture with | between them: what tells two applications of a node apart.
	ApplicationKey string `col:"application_key,key"`
	// Name of the application or package (Name).
	Name string `col:"name"`
	// Version (Version). Null: it has none.
	Version *string `col:"version"`
	// Release of a package of Linux (Release). Null: it has none.
	Release *string `col:"release"`
	// Architecture, such as x86_64 or arm64 (Architecture). Null: not known.
	Architecture *string `col:"architecture"`
	// Who published it (Publisher). Null: not known.
	Publisher *string `col:"publisher"`
	// Kind of the application, such as Applications/System (ApplicationType). Null: not known.
	ApplicationType *string `col:"application_type"`
	// Identifier of the package, such as the product code of Windows (PackageId). Null: not known.
	PackageID *string `col:"package_id"`
	// Home page (URL). Null: not known. One with a password is [redacted] by the spoke.
	URL *string `col:"url"`
	// When it was installed (InstalledTime). Null: not known, or in a form that names no instant.
	InstalledAt *time.Time `col:"installed_at"`
}

// SSMApplications is the category "ssm_applications": every run lists the applications of
// all managed nodes of one account and region.
var SSMApplications = schema.Of[SSMApplication](schema.Spec{
	Name: "ssm_applications", Mode: schema.Snapshot,
	Indexes: []schema.Index{{
		// Where an application is, over all accounts.
		Name: "name", Columns: []string{"name", "version"},
		Where: "deleted_at IS NULL",
	}},
})
