-- Who may see which account, for dashboards that show each account to those who care for it.

-- +goose Up
CREATE TABLE hub.access (
    principal  text NOT NULL,
    account_id text NOT NULL,
    PRIMARY KEY (principal, account_id),
    CONSTRAINT principal_has_a_kind CHECK (principal ~ '^(group|user):[A-Za-z0-9_+=,.@-]{1,128}$'),
    CONSTRAINT account_is_a_number_or_all CHECK (account_id ~ '^([0-9]{12}|\*)$')
);
COMMENT ON TABLE hub.access IS 'Who may see which account in dashboards. It binds dashboards, not roles of the database.';
COMMENT ON COLUMN hub.access.principal IS 'Who: group: or user: and a name, such as group:payments.';
COMMENT ON COLUMN hub.access.account_id IS 'Account that they see. *: all accounts.';

-- +goose Down
DROP TABLE hub.access;
