-- Providers of identities name groups with spaces and slashes, too.

-- +goose Up
ALTER TABLE hub.access DROP CONSTRAINT principal_has_a_kind,
    ADD CONSTRAINT principal_has_a_kind CHECK (principal ~ '^(group|user):[^[:cntrl:]]{1,255}$');
COMMENT ON COLUMN hub.access.principal IS 'Who: group: or user: and a name, such as group:payments or user:alice@example.com.';

-- +goose Down
DELETE FROM hub.access WHERE principal !~ '^(group|user):[A-Za-z0-9_+=,.@-]{1,128}$';
ALTER TABLE hub.access DROP CONSTRAINT principal_has_a_kind,
    ADD CONSTRAINT principal_has_a_kind CHECK (principal ~ '^(group|user):[A-Za-z0-9_+=,.@-]{1,128}$');
COMMENT ON COLUMN hub.access.principal IS 'Who: group: or user: and a name, such as group:payments.';
