-- Users and access keys. A row per user, and one per key.
CREATE VIEW live.credentials AS
SELECT account_id, region, 'user' AS kind, row_key, left(user_arn, 512) AS principal, '' AS access_key_id, is_root, password_enabled, mfa_active,
       user_created_at AS created_at, password_last_changed_at AS rotated_at,
       greatest(password_last_used_at, access_key_1_last_used_at, access_key_2_last_used_at) AS last_used_at,
       is_root OR password_enabled OR access_key_1_active OR access_key_2_active AS active
FROM obs.iam_users
WHERE deleted_at IS NULL
UNION ALL
SELECT account_id, region, 'access_key', row_key, left(user_name, 512), left(access_key_id, 128), false, NULL, NULL,
       key_created_at, key_created_at, last_used_at, status = 'Active'
FROM obs.iam_access_keys
WHERE deleted_at IS NULL;

ALTER TABLE summary.credentials ADD PRIMARY KEY (account_id, region, kind, row_key);

COMMENT ON VIEW live.credentials IS 'Users and access keys.';
COMMENT ON COLUMN live.credentials.account_id IS 'Account of the user.';
COMMENT ON COLUMN live.credentials.region IS 'Region in which IAM is collected: global.';
COMMENT ON COLUMN live.credentials.kind IS 'user or access_key.';
COMMENT ON COLUMN live.credentials.row_key IS 'Key of the row in the table of the category.';
COMMENT ON COLUMN live.credentials.principal IS 'ARN of the user; of an access key the name of its user. Personal data.';
COMMENT ON COLUMN live.credentials.access_key_id IS 'Identifier of the access key, which is no secret. Empty: a user.';
COMMENT ON COLUMN live.credentials.is_root IS 'Whether this is the root user.';
COMMENT ON COLUMN live.credentials.password_enabled IS 'Whether the user has a password for the console. Null: an access key, or not known.';
COMMENT ON COLUMN live.credentials.mfa_active IS 'Whether the user has an MFA device. Null: an access key, or not known.';
COMMENT ON COLUMN live.credentials.created_at IS 'When the user or access key was created.';
COMMENT ON COLUMN live.credentials.rotated_at IS 'When the password was changed last; of an access key its creation. Null: no password, the root user, or not known.';
COMMENT ON COLUMN live.credentials.last_used_at IS 'When the password or a key of the user, or the access key, was used last. Null: never, as far as AWS knows.';
COMMENT ON COLUMN live.credentials.active IS 'Whether it can be used: the root user, a user with a password or an active key, an active key. Null: not known.';
