-- Users and access keys; live.credentials has the rules.
CREATE VIEW credentials AS
SELECT account_id, kind, principal, access_key_id, is_root, password_enabled, mfa_active, created_at, rotated_at, last_used_at, active
FROM summary.credentials;

COMMENT ON VIEW credentials IS 'IAM users, the root user among them, and their access keys: how old they are and when they were used last. A row per user, and one per access key.';
COMMENT ON COLUMN credentials.account_id IS 'Account of the user.';
COMMENT ON COLUMN credentials.kind IS 'user or access_key.';
COMMENT ON COLUMN credentials.principal IS 'ARN of the user; of an access key the name of its user. Personal data.';
COMMENT ON COLUMN credentials.access_key_id IS 'Identifier of the access key, which is no secret. Empty: a user.';
COMMENT ON COLUMN credentials.is_root IS 'Whether this is the root user.';
COMMENT ON COLUMN credentials.password_enabled IS 'Whether the user has a password for the console. Null: an access key, or not known.';
COMMENT ON COLUMN credentials.mfa_active IS 'Whether the user has an MFA device. Null: an access key, or not known.';
COMMENT ON COLUMN credentials.created_at IS 'When the user or access key was created.';
COMMENT ON COLUMN credentials.rotated_at IS 'When the password was changed last; of an access key its creation. Null: no password, the root user, or not known.';
COMMENT ON COLUMN credentials.last_used_at IS 'When the password or a key of the user, or the access key, was used last. Null: never, as far as AWS knows.';
COMMENT ON COLUMN credentials.active IS 'Whether it can be used: the root user, a user with a password or an active key, an active key. Null: not known.';

-- What is wrong with those that can be used. Ninety days are what the CIS benchmark of AWS
-- allows. The root user has no row for its age: nobody can replace it.
CREATE VIEW credentials_attention AS
WITH aged AS (
    SELECT *,
           floor(extract(epoch FROM now() - rotated_at) / 86400)::integer AS age_days,
           floor(extract(epoch FROM now() - coalesce(last_used_at, created_at)) / 86400)::integer AS unused_days
    FROM credentials
    WHERE active
)
SELECT a.account_id, a.kind, a.principal, a.access_key_id, i.issue, a.age_days, a.unused_days, a.rotated_at, a.last_used_at
FROM aged a
CROSS JOIN LATERAL (VALUES
    ('root_without_mfa', a.is_root AND NOT a.mfa_active),
    ('root_used', a.is_root AND a.unused_days < 30 AND a.last_used_at IS NOT NULL),
    ('password_without_mfa', NOT a.is_root AND a.password_enabled AND NOT a.mfa_active),
    ('key_old', a.kind = 'access_key' AND a.age_days >= 90),
    ('unused', NOT a.is_root AND a.unused_days >= 90)
) AS i (issue, holds)
WHERE i.holds;

COMMENT ON VIEW credentials_attention IS 'What is wrong with the IAM users and access keys that can be used, a row for each issue: no MFA, a key older than 90 days, unused for 90 days, the root user used within 30 days.';
COMMENT ON COLUMN credentials_attention.account_id IS 'Account of the user.';
COMMENT ON COLUMN credentials_attention.kind IS 'user or access_key.';
COMMENT ON COLUMN credentials_attention.principal IS 'ARN of the user; of an access key the name of its user. Personal data.';
COMMENT ON COLUMN credentials_attention.access_key_id IS 'Identifier of the access key. Empty: a user.';
COMMENT ON COLUMN credentials_attention.issue IS 'root_without_mfa, root_used, password_without_mfa, key_old or unused.';
COMMENT ON COLUMN credentials_attention.age_days IS 'Whole days since rotated_at. Null: it is.';
COMMENT ON COLUMN credentials_attention.unused_days IS 'Whole days since the last use, or since the creation if there was none. Null: neither is known.';
COMMENT ON COLUMN credentials_attention.rotated_at IS 'When the password was changed last, or the access key was created. Null: no password, the root user, or not known.';
COMMENT ON COLUMN credentials_attention.last_used_at IS 'When it was used last. Null: never, as far as AWS knows.';
