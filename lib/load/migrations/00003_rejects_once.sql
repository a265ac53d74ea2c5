-- A record that is read again, as Lambda does after a failure, is one reject.

-- +goose Up
DELETE FROM hub.reject r USING hub.reject first
WHERE r.row_number IS NULL AND first.row_number IS NULL AND r.origin <> '' AND r.id > first.id
  AND (r.origin, r.state, r.reason) = (first.origin, first.state, first.reason) AND r.part IS NOT DISTINCT FROM first.part;
CREATE UNIQUE INDEX reject_record ON hub.reject (origin, state, reason, (coalesce(part, -1)))
WHERE row_number IS NULL AND origin <> '';

-- +goose Down
DROP INDEX hub.reject_record;
