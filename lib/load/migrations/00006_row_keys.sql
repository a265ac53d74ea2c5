-- Keys of rows depend on their account and region in all bytes, and their hashes on
-- numbers in JSON in the form that jsonb gives them. What older tables hold is brought
-- up to date by the program: SQL cannot compute these hashes.

-- +goose Up
CREATE TABLE hub.old_identity (
    category text PRIMARY KEY
);
COMMENT ON TABLE hub.old_identity IS 'Tables of categories whose rows have keys and hashes of an earlier version. Nothing is written to them until hub migrate has brought them up to date.';
INSERT INTO hub.old_identity (category)
SELECT c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'row_key' AND NOT a.attisdropped
WHERE n.nspname = 'obs' AND c.relkind IN ('r', 'p');

-- +goose Down
DROP TABLE hub.old_identity;
