-- What lib/refresh remembers of the package of views that it installed.

-- +goose Up
CREATE TABLE hub.installed_view (
    view_name      text        PRIMARY KEY,
    package_sha256 text        NOT NULL,
    installed_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.installed_view IS 'The views and materialized views of the installed package. They are dropped and made again when the package changes.';
COMMENT ON COLUMN hub.installed_view.view_name IS 'With its schema, quoted where SQL needs it.';
COMMENT ON COLUMN hub.installed_view.package_sha256 IS 'Hash of the files of the package, the same in every row.';

-- +goose Down
DROP TABLE hub.installed_view CASCADE;
