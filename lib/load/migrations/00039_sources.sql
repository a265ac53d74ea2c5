-- Fills hub.source. The migration that makes it locks hub.scope, for which loaders wait at
-- most five seconds; this one locks nothing that they know of.

-- +goose Up
SELECT hub.store_all_sources();

-- +goose Down
DELETE FROM hub.source;
