package collectors

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	analyzertypes "github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	guarddutytypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	inspectortypes "github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/macie2"
	macietypes "github.com/aws/aws-sdk-go-v2/service/macie2/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// Each service is asked how it is set up: about ten requests, for which AWS charges nothing.
// Each has an outcome of its own, so that one that is denied hides no other. GuardDuty,
// Config and Access Analyzer answer with an empty list where they are off; Inspector answers
// with a status; Security Hub refuses, and its outcome is disabled. Macie refuses as if the
// role lacked the permission where it is off: its outcome is denied in either case.
var SecurityServices = collect.Collector[schemas.SecurityService]{
	Category: schemas.SecurityServices,
	Reach:    collect.PerRegion,
	Every:    6 * time.Hour,
	Calls: []string{
		"guardduty:ListDetectors", "guardduty:GetDetector", "guardduty:GetAdministratorAccount",
		"securityhub:DescribeHub", "inspector2:BatchGetAccountStatus",
		"config:DescribeConfigurationRecorders", "config:DescribeConfigurationRecorderStatus",
		"access-analyzer:ListAnalyzers", "macie2:GetMacieSession",
	},
	Slices: func(time.Time) []string {
		return []string{"accessanalyzer", "config", "guardduty", "inspector", "macie", "securityhub"}
	},
	Hints: []collect.Hint{
		{Source: "aws.guardduty", Calls: []string{"CreateDetector", "UpdateDetector", "DeleteDetector"}},
		{Source: "aws.securityhub", Calls: []string{
			"EnableSecurityHub", "UpdateSecurityHubConfiguration", "DisableSecurityHub",
		}},
		{Source: "aws.inspector2", Calls: []string{"Enable", "Disable"}},
		{Source: "aws.config", Calls: []string{
			"PutConfigurationRecorder", "DeleteConfigurationRecorder", "StartConfigurationRecorder",
			"StopConfigurationRecorder",
		}},
	},
	Collect: collectSecurityServices,
}

// AWS names no quota of requests for Access Analyzer.
var accessanalyzerService = collect.Service{
	ID:    "AccessAnalyzer",
	Name:  "access-analyzer",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-quotas.html",
}

// The lowest quota of the operations used here is 5 requests a second.
var macie2Service = collect.Service{
	ID:    "Macie2",
	Name:  "macie2",
	Rate:  collect.Rate{PerSecond: 2, Burst: 3},
	Quota: "https://docs.aws.amazon.com/macie/latest/user/macie-quotas.html",
}

func collectSecurityServices(ctx context.Context, env *collect.Env, emit func(schemas.SecurityService) error) error {
	of := func(read securityServiceReader) sliceOf[schemas.SecurityService] {
		return func(ctx context.Context, env *collect.Env, emit func(schemas.SecurityService) error) error {
			rows, err := read(ctx, env)
			for _, row := range rows {
				if err := emit(row); err != nil {
					return err
				}
			}
			return err
		}
	}
	return bySlice(ctx, env, emit, map[string]sliceOf[schemas.SecurityService]{
		"accessanalyzer": of(securityServicesOfAnalyzer),
		"config":         of(securityServicesOfConfig),
		"guardduty":      of(securityServicesOfGuardDuty),
		"inspector":      of(securityServicesOfInspector),
		"macie":          of(securityServicesOfMacie),
		"securityhub":    of(securityServicesOfHub),
	})
}

// securityServiceReader returns the rows of one service.
type securityServiceReader func(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error)

func securityServicesOfGuardDuty(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	client := guardduty.NewFromConfig(env.AWS)
	detectors, err := guarddutyDetectors(ctx, client)
	if err != nil {
		return nil, err
	}
	var rows []schemas.SecurityService
	for _, id := range detectors {
		d, err := client.GetDetector(ctx, &guardduty.GetDetectorInput{DetectorId: &id})
		if err != nil {
			return nil, err
		}
		if d.Features == nil {
			return nil, without(d, "the features")
		}
		administrator, err := client.GetAdministratorAccount(ctx, &guardduty.GetAdministratorAccountInput{DetectorId: &id})
		if err != nil {
			return nil, err
		}
		row := schemas.SecurityService{
			Service:          "guardduty",
			ResourceID:       id,
			Enabled:          isState(d.Status, guarddutytypes.DetectorStatusEnabled),
			Status:           enum(d.Status),
			ServiceEnabledAt: parseTime(env, id, "CreatedAt", d.CreatedAt),
			ServiceUpdatedAt: parseTime(env, id, "UpdatedAt", d.UpdatedAt),
			Settings:         jsonOf(d.Features),
			Tags:             jsonOf(redactMap(d.Tags)),
		}
		if administrator.Administrator != nil {
			row.AdministratorAccountID = text(administrator.Administrator.AccountId)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func securityServicesOfHub(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	hub, err := securityhub.NewFromConfig(env.AWS).DescribeHub(ctx, &securityhub.DescribeHubInput{})
	if hasCode(err, "InvalidAccessException") {
		return nil, collect.Disabled(err) // the region is not subscribed to Security Hub
	}
	if err != nil {
		return nil, err
	}
	return []schemas.SecurityService{{
		Service:          "securityhub",
		ResourceID:       aws.ToString(hub.HubArn),
		ResourceARN:      text(hub.HubArn),
		Enabled:          aws.Bool(true),
		ServiceEnabledAt: parseTime(env, "Security Hub", "SubscribedAt", hub.SubscribedAt),
		Settings: jsonOf(struct {
			AutoEnableControls      *bool
			ControlFindingGenerator string
		}{hub.AutoEnableControls, string(hub.ControlFindingGenerator)}),
	}}, nil
}

func securityServicesOfInspector(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	account, err := inspectorState(ctx, env, inspector2.NewFromConfig(env.AWS))
	if err != nil {
		return nil, err
	}
	return []schemas.SecurityService{{
		Service:    "inspector",
		ResourceID: env.Account,
		Enabled:    isState(account.State.Status, inspectortypes.StatusEnabled),
		Status:     enum(account.State.Status),
		LastError:  text(account.State.ErrorMessage),
		Settings:   jsonOf(account.ResourceState),
	}}, nil
}

func securityServicesOfConfig(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	client := configservice.NewFromConfig(env.AWS)
	recorders, err := configRecorders(ctx, client)
	if err != nil || len(recorders) == 0 {
		return nil, err
	}
	states, err := gatherBy(each(ctx, single(func(ctx context.Context) (
		*configservice.DescribeConfigurationRecorderStatusOutput, error) {
		return client.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
	}), func(p *configservice.DescribeConfigurationRecorderStatusOutput) ([]configtypes.ConfigurationRecorderStatus,
		*string) {
		return p.ConfigurationRecordersStatus, nil
	}), func(s *configtypes.ConfigurationRecorderStatus) *string { return s.Name })
	if err != nil {
		return nil, err
	}
	rows := make([]schemas.SecurityService, len(recorders))
	for i, r := range recorders {
		rows[i] = securityServiceOfRecorder(&r, states[aws.ToString(r.Name)])
	}
	return rows, nil
}

// securityServiceOfRecorder returns the row of a recorder; status may be nil.
func securityServiceOfRecorder(r *configtypes.ConfigurationRecorder,
	status *configtypes.ConfigurationRecorderStatus) schemas.SecurityService {
	row := schemas.SecurityService{
		Service:     "config",
		ResourceID:  aws.ToString(r.Name),
		ResourceARN: text(r.Arn),
		Settings:    jsonOf(r.RecordingGroup),
	}
	if g := r.RecordingGroup; g != nil {
		row.RecordsAllTypes, row.RecordsGlobalTypes = &g.AllSupported, &g.IncludeGlobalResourceTypes
	}
	if status != nil {
		row.Enabled, row.LastStatus, row.LastError = &status.Recording, enum(status.LastStatus), text(status.LastErrorMessage)
		row.ServiceEnabledAt, row.ServiceUpdatedAt = status.LastStartTime, status.LastStatusChangeTime
	}
	return row
}

func securityServicesOfAnalyzer(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	pages := accessanalyzer.NewListAnalyzersPaginator(accessanalyzer.NewFromConfig(env.AWS),
		&accessanalyzer.ListAnalyzersInput{MaxResults: aws.Int32(100)})
	analyzers, err := gather(each(ctx, pages, func(p *accessanalyzer.ListAnalyzersOutput) ([]analyzertypes.AnalyzerSummary,
		*string) {
		return p.Analyzers, p.NextToken
	}))
	rows := make([]schemas.SecurityService, len(analyzers))
	for i, a := range analyzers {
		rows[i] = schemas.SecurityService{
			Service:          "accessanalyzer",
			ResourceID:       aws.ToString(a.Name),
			ResourceARN:      text(a.Arn),
			Enabled:          isState(a.Status, analyzertypes.AnalyzerStatusActive),
			Status:           enum(a.Status),
			ServiceEnabledAt: a.CreatedAt,
			Settings: jsonOf(struct {
				Type          string
				Configuration analyzertypes.AnalyzerConfiguration
			}{string(a.Type), a.Configuration}),
			Tags: jsonOf(redactMap(a.Tags)),
		}
		if a.StatusReason != nil {
			rows[i].LastError = enum(a.StatusReason.Code)
		}
	}
	return rows, err
}

func securityServicesOfMacie(ctx context.Context, env *collect.Env) ([]schemas.SecurityService, error) {
	s, err := macie2.NewFromConfig(env.AWS).GetMacieSession(ctx, &macie2.GetMacieSessionInput{})
	if err != nil {
		return nil, err
	}
	return []schemas.SecurityService{{
		Service:          "macie",
		ResourceID:       env.Account,
		Enabled:          isState(s.Status, macietypes.MacieStatusEnabled),
		Status:           enum(s.Status),
		ServiceEnabledAt: s.CreatedAt,
		ServiceUpdatedAt: s.UpdatedAt,
	}}, nil
}
