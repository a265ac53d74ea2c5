-- What AWS charges for the requests of runs, also of those that hub.run does not have (any
-- more), so that a month can be added up.

-- +goose Up
ALTER TABLE hub.run ADD COLUMN paid_requests bigint, ADD COLUMN usd_micros bigint;
COMMENT ON COLUMN hub.run.paid_requests IS 'How many of the requests AWS charges for, as the end says. Null: none, or it does not say.';
COMMENT ON COLUMN hub.run.usd_micros IS 'What AWS charges for them, in millionths of USD, as the end says. Null: nothing, or it does not say.';

CREATE TABLE hub.run_cost (
    account_id    text   NOT NULL,
    category      text   NOT NULL,
    month         date   NOT NULL,
    requests      bigint NOT NULL,
    paid_requests bigint NOT NULL,
    usd_micros    bigint NOT NULL
);
COMMENT ON TABLE hub.run_cost IS 'Requests of runs that hub.run does not have: those that were pruned, and those that found nothing changed. Rows are added, and now and then those of the same account, category and month become one.';
COMMENT ON COLUMN hub.run_cost.account_id IS 'Account of the runs.';
COMMENT ON COLUMN hub.run_cost.category IS 'Category of the runs.';
COMMENT ON COLUMN hub.run_cost.month IS 'First day of the month in which they started, in UTC.';
COMMENT ON COLUMN hub.run_cost.requests IS 'Requests to AWS.';
COMMENT ON COLUMN hub.run_cost.paid_requests IS 'How many of them AWS charges for.';
COMMENT ON COLUMN hub.run_cost.usd_micros IS 'What it charges, in millionths of USD.';

-- +goose Down
DROP TABLE hub.run_cost;
ALTER TABLE hub.run DROP COLUMN paid_requests, DROP COLUMN usd_micros;
