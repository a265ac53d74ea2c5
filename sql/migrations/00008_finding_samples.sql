-- +goose Up
ALTER TABLE obs.security_findings
    ADD COLUMN sample               boolean,
    ADD COLUMN compliance_reasons   jsonb,
    ADD COLUMN finding_account_name text;

-- +goose Down
ALTER TABLE obs.security_findings
    DROP COLUMN sample,
    DROP COLUMN compliance_reasons,
    DROP COLUMN finding_account_name;
