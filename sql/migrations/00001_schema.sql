-- +goose Up
-- One table per category; the loader's own tables are in schema hub, views in public.
CREATE SCHEMA IF NOT EXISTS obs;
COMMENT ON SCHEMA obs IS 'One table per observed category. People read the views in schema public instead.';

-- +goose Down
DROP SCHEMA obs;
