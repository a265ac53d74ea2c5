-- What is said of accounts. Nobody is believed about another account, but the management
-- account that the account itself names.

-- An account that reports itself in several places is one account.
CREATE VIEW account_details AS
WITH own AS (
    SELECT DISTINCT ON (account_id) *
    FROM obs.accounts
    WHERE deleted_at IS NULL AND reported_account_id = account_id
    ORDER BY account_id, region = 'global' DESC, region, row_key
)
SELECT own.account_id,
       coalesce(own.account_name, o.account_name) AS account_name,
       own.account_alias,
       coalesce(o.state, own.account_state) AS state,
       own.account_created_at,
       own.partition,
       own.organization_id,
       own.management_account_id,
       o.ou_id, o.ou_path, o.email, o.account_arn, o.joined_method, o.joined_at,
       o.tags, own.labels,
       own.collected_at, own.first_seen_at
FROM own
LEFT JOIN LATERAL (
    SELECT * FROM obs.organization_accounts o
    WHERE o.deleted_at IS NULL AND o.account_id = own.management_account_id AND o.member_account_id = own.account_id
    ORDER BY o.region = 'global' DESC, o.region, o.row_key
    LIMIT 1
) o ON true;

COMMENT ON VIEW account_details IS 'What each account says of itself, and what its organization says of it. Only the management account that the account itself names is believed about it.';
COMMENT ON COLUMN account_details.account_id IS 'Number of the account.';
COMMENT ON COLUMN account_details.account_name IS 'Name of the account, else its name in the organization. Null: neither is known.';
COMMENT ON COLUMN account_details.account_alias IS 'Alias of the account in the address of its sign-in page. Null: none, or denied.';
COMMENT ON COLUMN account_details.state IS 'State of the account, as its organization says, else as it says itself.';
COMMENT ON COLUMN account_details.account_created_at IS 'When the account was created.';
COMMENT ON COLUMN account_details.partition IS 'Partition of the account: aws, aws-cn or aws-us-gov.';
COMMENT ON COLUMN account_details.organization_id IS 'Organization of the account. Null: it is in none, or denied.';
COMMENT ON COLUMN account_details.management_account_id IS 'Management account of the organization, as the account itself says.';
COMMENT ON COLUMN account_details.ou_id IS 'Organizational unit that the account is in.';
COMMENT ON COLUMN account_details.ou_path IS 'Names of the organizational units from the root to the account. Null: the management account is not collected.';
COMMENT ON COLUMN account_details.email IS 'E-mail address of the root user. Personal data. Null: the management account is not collected.';
COMMENT ON COLUMN account_details.account_arn IS 'ARN of the account in the organization. Null: the management account is not collected.';
COMMENT ON COLUMN account_details.joined_method IS 'How the account came into the organization: INVITED or CREATED.';
COMMENT ON COLUMN account_details.joined_at IS 'When the account came into the organization.';
COMMENT ON COLUMN account_details.tags IS 'JSON object of the tags that the account has in the organization.';
COMMENT ON COLUMN account_details.labels IS 'JSON object of the labels that the spoke was started with.';
COMMENT ON COLUMN account_details.collected_at IS 'When the account reported itself last.';
COMMENT ON COLUMN account_details.first_seen_at IS 'When the account reported itself first.';

CREATE VIEW account_labels AS
WITH said AS (
    SELECT account_id, label, label AS written, value, 1 AS place, 'by hand' AS source
    FROM org.account_labels
    UNION ALL
    SELECT account_id, lower(left(key, 128)), key, left(value, 256), 2, 'organization tag'
    FROM account_details, hub.pairs(tags)
    UNION ALL
    SELECT account_id, lower(left(key, 128)), key, left(value, 256), 3, 'spoke'
    FROM account_details, hub.pairs(labels)
)
SELECT DISTINCT ON (account_id, label) account_id, label, value, source
FROM said
WHERE value IS NOT NULL
ORDER BY account_id, label, place, written COLLATE "C";

COMMENT ON VIEW account_labels IS 'Labels of accounts. What people wrote into org.account_labels is believed first, then the tags that the organization gave the account, then the labels that its spoke was started with.';
COMMENT ON COLUMN account_labels.account_id IS 'Account.';
COMMENT ON COLUMN account_labels.label IS 'Name of the label in lower case, cut to 128 characters.';
COMMENT ON COLUMN account_labels.value IS 'Value, cut to 256 characters. Empty: people took the label away.';
COMMENT ON COLUMN account_labels.source IS 'Where the value is from: by hand, organization tag or spoke.';

-- The predecessor's senders called an account without a product one of the product None.
CREATE VIEW account_products AS
WITH named AS (
    SELECT l.account_id, left(trim(p.name), 128) AS product, p.position::integer AS position
    FROM account_labels l, regexp_split_to_table(l.value, ',') WITH ORDINALITY AS p (name, position)
    WHERE l.label = 'product' AND lower(trim(p.name)) NOT IN ('', 'none')
), first AS (
    SELECT DISTINCT ON (account_id, lower(product)) * FROM named ORDER BY account_id, lower(product), position
)
SELECT f.account_id, coalesce(p.name, f.product) AS product,
       row_number() OVER (PARTITION BY f.account_id ORDER BY f.position)::integer AS position
FROM first f LEFT JOIN org.products p ON lower(p.name) = lower(f.product);

COMMENT ON VIEW account_products IS 'Products that each account belongs to: the label product, with commas between several.';
COMMENT ON COLUMN account_products.account_id IS 'Account.';
COMMENT ON COLUMN account_products.product IS 'Name of the product, as org.products writes it.';
COMMENT ON COLUMN account_products.position IS 'Place of the product in the label, from 1.';
