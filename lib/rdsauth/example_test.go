package rdsauth_test

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rdsauth"
)

// open connects to a database of Aurora as the role that the URL names, which needs no
// password: the credentials are those of the program's IAM role.
func open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := load.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	credentials, err := awsconfig.Load(ctx, awsconfig.Config{Region: rdsauth.Region(cfg.ConnConfig.Host)})
	if err != nil {
		return nil, err
	}
	if err := rdsauth.Trust(cfg); err != nil {
		return nil, err
	}
	if err := rdsauth.Login(cfg, credentials); err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

func Example() {
	_ = open
}
