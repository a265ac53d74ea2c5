-- What people write themselves, and what the hub writes down day by day. No collecting
-- overwrites either.

-- +goose Up
CREATE SCHEMA org;
COMMENT ON SCHEMA org IS 'What people maintain by hand: products, labels of accounts. Nothing that is collected overwrites it.';
CREATE SCHEMA history;
COMMENT ON SCHEMA history IS 'What the hub writes down once a day.';

CREATE TABLE org.products (
    name        text        PRIMARY KEY,
    owner       text,
    position    text,
    description text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT name_is_short CHECK (length(name) BETWEEN 1 AND 128 AND name = trim(name) AND position(',' IN name) = 0)
);
CREATE UNIQUE INDEX products_any_case ON org.products (lower(name));
COMMENT ON TABLE org.products IS 'Products, and who is responsible for them. A product that only labels of accounts name needs no row here.';
COMMENT ON COLUMN org.products.name IS 'Name of the product, as in the label product of accounts; upper and lower case make no difference.';
COMMENT ON COLUMN org.products.owner IS 'Person or team that is responsible.';
COMMENT ON COLUMN org.products.position IS 'Position of that person.';
COMMENT ON COLUMN org.products.description IS 'What the product is.';
COMMENT ON COLUMN org.products.created_at IS 'When the row was written.';
COMMENT ON COLUMN org.products.updated_at IS 'When the row was changed last.';

CREATE TABLE org.account_labels (
    account_id text NOT NULL,
    label      text NOT NULL,
    value      text NOT NULL,
    PRIMARY KEY (account_id, label),
    CONSTRAINT label_is_lower_case CHECK (label = lower(label) AND length(label) BETWEEN 1 AND 128),
    CONSTRAINT value_is_short CHECK (length(value) <= 256)
);
COMMENT ON TABLE org.account_labels IS 'Labels of accounts that are believed before tags of the organization and labels of spokes.';
COMMENT ON COLUMN org.account_labels.account_id IS 'Number of the account.';
COMMENT ON COLUMN org.account_labels.label IS 'Name of the label in lower case, such as product, environment or customer.';
COMMENT ON COLUMN org.account_labels.value IS 'Value. Several products have commas between them. Empty: the account has no such label, whatever others say.';

CREATE TABLE history.daily_measures (
    day         date        NOT NULL,
    measure     text        NOT NULL,
    account_id  text        NOT NULL,
    region      text        NOT NULL,
    dimension   text        NOT NULL DEFAULT '',
    value       numeric     NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, measure, account_id, region, dimension)
);
COMMENT ON TABLE history.daily_measures IS 'Numbers of each account, written down once a day: what the tables of categories do not keep.';
COMMENT ON COLUMN history.daily_measures.day IS 'Day in UTC.';
COMMENT ON COLUMN history.daily_measures.measure IS 'What was measured, such as resources or savings.monthly.';
COMMENT ON COLUMN history.daily_measures.account_id IS 'Account.';
COMMENT ON COLUMN history.daily_measures.region IS 'Region. global: the number is of the whole account.';
COMMENT ON COLUMN history.daily_measures.dimension IS 'What the number is about within the measure, such as a type of resource. Empty: it has no parts.';
COMMENT ON COLUMN history.daily_measures.value IS 'The number.';
COMMENT ON COLUMN history.daily_measures.recorded_at IS 'When it was written down last.';

-- Views over these tables are refreshed like those over tables of categories. The function
-- has its owner's rights: who may write the table need not be able to write marks.
-- +goose StatementBegin
CREATE FUNCTION hub.mark_table() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO hub.dirty (table_name) VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION hub.mark_table IS 'Marks a table, so that the views over it are refreshed.';
CREATE TRIGGER mark AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON org.products
    FOR EACH STATEMENT EXECUTE FUNCTION hub.mark_table();
CREATE TRIGGER mark AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON org.account_labels
    FOR EACH STATEMENT EXECUTE FUNCTION hub.mark_table();
CREATE TRIGGER mark AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON history.daily_measures
    FOR EACH STATEMENT EXECUTE FUNCTION hub.mark_table();

-- +goose StatementBegin
CREATE FUNCTION org.note_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_update BEFORE UPDATE ON org.products
    FOR EACH ROW EXECUTE FUNCTION org.note_update();

-- +goose Down
DROP SCHEMA history CASCADE;
DROP SCHEMA org CASCADE;
DROP FUNCTION hub.mark_table;
