-- +goose Up
CREATE TABLE obs.service_costs (
    row_key            uuid           NOT NULL,
    row_hash           uuid           NOT NULL,
    account_id         text           NOT NULL,
    region             text           NOT NULL,
    run_id             uuid           NOT NULL,
    collected_at       timestamptz    NOT NULL,
    deleted_at         timestamptz,

    usage_date         date           NOT NULL,
    service            text           NOT NULL,
    usage_region       text           NOT NULL,
    unblended_cost     numeric(38,10) NOT NULL,
    net_unblended_cost numeric(38,10),
    amortized_cost     numeric(38,10),
    net_amortized_cost numeric(38,10),
    blended_cost       numeric(38,10),
    currency           text,
    usage_quantity     numeric(38,10),
    usage_unit         text,
    normalized_usage   numeric(38,10),
    estimated          boolean        NOT NULL,

    PRIMARY KEY (row_key),
    -- numeric stores NaN, and one NaN makes every sum NaN.
    CONSTRAINT service_costs_finite CHECK (NOT 'NaN'::numeric IN (unblended_cost, net_unblended_cost, amortized_cost,
        net_amortized_cost, blended_cost, usage_quantity, normalized_usage))
) WITH (
    -- AWS restates the last days again and again: room for that on the same page.
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);

CREATE INDEX service_costs_day ON obs.service_costs (usage_date, account_id);

-- +goose Down
DROP TABLE obs.service_costs;
