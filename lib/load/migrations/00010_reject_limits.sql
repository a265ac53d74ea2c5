-- How many rejects are kept, and how many of their bytes, so that it can be asked
-- for a few microseconds whoever deletes them; and those that are only counted.

-- +goose Up
CREATE TABLE hub.reject_total (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    open  bigint  NOT NULL,
    bytes bigint  NOT NULL
);
COMMENT ON TABLE hub.reject_total IS 'One row. Who stores rejects locks it first, so that they wait for each other in no circle.';
COMMENT ON COLUMN hub.reject_total.open IS 'How many rejects are stored that are not parked, and bytes how many of their bytes.';

CREATE TABLE hub.reject_count (
    account_id text        NOT NULL,
    reason     text        NOT NULL,
    open       bigint      NOT NULL DEFAULT 0,
    bytes      bigint      NOT NULL DEFAULT 0,
    counted    bigint      NOT NULL DEFAULT 0,
    counted_at timestamptz,
    PRIMARY KEY (account_id, reason)
);
COMMENT ON TABLE hub.reject_count IS 'The same of one account and reason. The account is empty where it is not known, or where there are too many.';
COMMENT ON COLUMN hub.reject_count.counted IS 'How many more there were while as many were stored as may be. Of those nothing else is known.';
COMMENT ON COLUMN hub.reject_count.counted_at IS 'When the last of those came.';

INSERT INTO hub.reject_total (open, bytes)
SELECT count(*), coalesce(sum(length(bytes)), 0) FROM hub.reject WHERE state = 'open';
INSERT INTO hub.reject_count (account_id, reason, open, bytes)
SELECT account_id, reason, count(*), coalesce(sum(length(bytes)), 0) FROM hub.reject WHERE state = 'open' GROUP BY account_id, reason;

-- +goose StatementBegin
CREATE FUNCTION hub.count_rejects() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    IF NOT EXISTS (SELECT FROM changed WHERE state = 'open') THEN
        RETURN NULL;
    END IF;
    UPDATE hub.reject_total t SET open = t.open + sign * c.open, bytes = t.bytes + sign * c.bytes
    FROM (SELECT count(*) AS open, coalesce(sum(length(bytes)), 0) AS bytes FROM changed WHERE state = 'open') c;
    INSERT INTO hub.reject_count AS t (account_id, reason, open, bytes)
    SELECT account_id, reason, sign * count(*), sign * coalesce(sum(length(bytes)), 0)
    FROM changed WHERE state = 'open' GROUP BY account_id, reason
    ON CONFLICT (account_id, reason) DO UPDATE SET open = t.open + excluded.open, bytes = t.bytes + excluded.bytes;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER count_inserted AFTER INSERT ON hub.reject
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hub.count_rejects();
CREATE TRIGGER count_deleted AFTER DELETE ON hub.reject
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hub.count_rejects();

COMMENT ON COLUMN hub.reject.bytes IS 'The first of them: 4 KiB of a row, 64 KiB of a record. Null where too many are kept already. Parked records are whole.';

-- +goose Down
DROP FUNCTION hub.count_rejects() CASCADE;
DROP TABLE hub.reject_count;
DROP TABLE hub.reject_total;
