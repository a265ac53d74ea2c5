package collectors

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/schemas"
)

// AWS is asked to make the credential report, which it does at most every four hours, and
// which takes it some seconds; then the report is read, and the users are listed with
// their groups and policies. All users together take three requests, and one more for
// each thousand; AWS charges nothing for them.
//
// A user that was created after the report has null in its columns. One that was deleted
// since then is no row.
var IAMUsers = collect.Collector[schemas.IAMUser]{
	Category: schemas.IAMUsers,
	Reach:    collect.Global,
	Every:    6 * time.Hour,
	Calls:    []string{"iam:GenerateCredentialReport", "iam:GetCredentialReport", "iam:GetAccountAuthorizationDetails"},
	Hints: []collect.Hint{
		{Source: "aws.iam", Calls: []string{
			"CreateUser", "UpdateUser", "DeleteUser", "CreateLoginProfile", "UpdateLoginProfile",
			"DeleteLoginProfile", "ChangePassword", "EnableMFADevice", "DeactivateMFADevice",
			"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "AddUserToGroup", "RemoveUserFromGroup",
			"AttachUserPolicy", "DetachUserPolicy", "PutUserPolicy", "DeleteUserPolicy",
			"PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary", "TagUser", "UntagUser",
		}, Only: "us-east-1"},
	},
	Collect: collectIAMUsers,
}

func collectIAMUsers(ctx context.Context, env *collect.Env, emit func(schemas.IAMUser) error) error {
	client := iam.NewFromConfig(env.AWS)
	if err := makeIAMUserReport(ctx, client); err != nil {
		return err
	}
	report, err := readIAMUserReport(ctx, env, client)
	if err != nil {
		return err
	}
	if root := report.root(); root != nil {
		if err := emit(*root); err != nil {
			return err
		}
	}
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(client, &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser}, MaxItems: aws.Int32(1000),
	})
	list := each(ctx, pages, func(p *iam.GetAccountAuthorizationDetailsOutput) ([]types.UserDetail, *string) {
		return p.UserDetailList, p.Marker
	})
	return emitEach(list, func(u *types.UserDetail) schemas.IAMUser {
		row := report.user(aws.ToString(u.Arn))
		setIAMUser(&row, u)
		return row
	}, emit)
}

// setIAMUser sets what the list knows of a user.
func setIAMUser(row *schemas.IAMUser, u *types.UserDetail) {
	row.UserARN = aws.ToString(u.Arn)
	row.UserName = text(u.UserName)
	row.UserID = text(u.UserId)
	row.Path = text(u.Path)
	row.UserCreatedAt = u.CreateDate
	row.GroupNames = jsonArray(u.GroupList)
	row.AttachedPolicies = jsonArray(u.AttachedManagedPolicies)
	names := make([]string, len(u.UserPolicyList))
	for i, policy := range u.UserPolicyList {
		names[i] = aws.ToString(policy.PolicyName)
	}
	row.InlinePolicyNames = jsonArray(names)
	if u.PermissionsBoundary != nil {
		row.PermissionsBoundaryARN = text(u.PermissionsBoundary.PermissionsBoundaryArn)
	}
	row.Tags = jsonOf(tagMap(u.Tags))
}

// iamUserReportTries is how often AWS is asked whether the report is made, with pauses
// of 1, 2, 4 seconds and so on behind each: about four minutes.
const iamUserReportTries = 8

// makeIAMUserReport has AWS make the credential report, and waits for it.
func makeIAMUserReport(ctx context.Context, client *iam.Client) error {
	var state types.ReportStateType
	for try := range iamUserReportTries {
		answer, err := client.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
		if err != nil {
			return err
		}
		if state = answer.State; state == types.ReportStateTypeComplete {
			return nil
		}
		if state == "" {
			return without(answer, "a state")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second << try):
		}
	}
	return fmt.Errorf("AWS is still making the credential report after %d requests (%s)", iamUserReportTries, state)
}

// iamUserReport is a credential report: a table with a line for each user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
type iamUserReport struct {
	env       *collect.Env
	generated *time.Time
	users     []string                     // ARNs, as they come
	lines     map[string]map[string]string // by ARN, the values by column
}

func readIAMUserReport(ctx context.Context, env *collect.Env, client *iam.Client) (*iamUserReport, error) {
	answer, err := client.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	if err != nil {
		return nil, err
	}
	table, err := csv.NewReader(bytes.NewReader(answer.Content)).ReadAll()
	if err == nil && len(table) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("GetCredentialReport answered with a report that cannot be read: %w", err)
	}
	report := &iamUserReport{env: env, generated: answer.GeneratedTime, lines: map[string]map[string]string{}}
	for _, cells := range table[1:] {
		line := map[string]string{}
		for i, column := range table[0] {
			line[column] = cells[i] // csv has as many in each line
		}
		report.users = append(report.users, line["arn"])
		report.lines[line["arn"]] = line
	}
	return report, nil
}

// iamUserRoot is the name of the root user in the report.
const iamUserRoot = "<root_account>"

// root returns the row of the root user, which is in the report alone.
func (r *iamUserReport) root() *schemas.IAMUser {
	for _, arn := range r.users {
		if line := r.lines[arn]; line["user"] == iamUserRoot {
			row := r.user(arn)
			row.UserName, row.IsRoot = aws.String(iamUserRoot), true
			row.UserCreatedAt = r.time(arn, "user_creation_time")
			return &row
		}
	}
	return nil
}

// user returns what the report knows of a user.
func (r *iamUserReport) user(arn string) schemas.IAMUser {
	return schemas.IAMUser{
		UserARN:                 arn,
		PasswordEnabled:         r.bool(arn, "password_enabled"),
		PasswordLastUsedAt:      r.time(arn, "password_last_used"),
		PasswordLastChangedAt:   r.time(arn, "password_last_changed"),
		PasswordNextRotationAt:  r.time(arn, "password_next_rotation"),
		MFAActive:               r.bool(arn, "mfa_active"),
		AccessKey1Active:        r.bool(arn, "access_key_1_active"),
		AccessKey1LastRotatedAt: r.time(arn, "access_key_1_last_rotated"),
		AccessKey1LastUsedAt:    r.time(arn, "access_key_1_last_used_date"),
		AccessKey2Active:        r.bool(arn, "access_key_2_active"),
		AccessKey2LastRotatedAt: r.time(arn, "access_key_2_last_rotated"),
		AccessKey2LastUsedAt:    r.time(arn, "access_key_2_last_used_date"),
		ReportGeneratedAt:       r.generated,
	}
}

// bool returns what is true or false; not_supported and so on are nil.
func (r *iamUserReport) bool(arn, column string) *bool {
	value, err := strconv.ParseBool(r.lines[arn][column])
	if err != nil {
		return nil
	}
	return &value
}

func (r *iamUserReport) time(arn, column string) *time.Time {
	value := r.lines[arn][column]
	switch value {
	case "N/A", "no_information", "not_supported":
		return nil
	}
	return parseTime(r.env, arn, column, &value)
}
