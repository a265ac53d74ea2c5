package verify

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// State is the hub in a few numbers, to be logged again and again and watched by alarms.
type State struct {
	// RedScopes are the rows of the view freshness that are red.
	RedScopes int64
	// OpenRejects are rejects that are stored, Parked records that wait for their table.
	OpenRejects, Parked int64
	// Gaps are those of streams that exist.
	Gaps int64
	// BehindSeconds is how old the newest record of a shard was when it was applied, of the
	// shard that was last in that within the last hour. Nil: nothing was applied.
	BehindSeconds *float64
	// LastCommitSeconds is how long ago a shard was moved. Nil: none ever was.
	LastCommitSeconds *float64
	// OldestRefreshSeconds is for how long a view has not shown what changed: since the
	// oldest change that waits, or the last refresh of a view that failed since. 0: all
	// views show all.
	OldestRefreshSeconds float64
	// AccountsNeverSeen are accounts of the organization from which nothing ever came.
	AccountsNeverSeen int64
}

// stateSQL asks the view coverage for accounts without a spoke by the one who names them:
// of nobody else that is known, so that PostgreSQL looks for nothing else.
const stateSQL = `
SELECT (SELECT count(*) FROM public.freshness WHERE red),
       coalesce((SELECT open FROM hub.reject_total), 0),
       (SELECT count(*) FROM hub.reject WHERE state = 'parked'),
       (SELECT count(*) FROM hub.gap g
        WHERE NOT EXISTS (SELECT FROM hub.stream s WHERE s.stream = g.stream AND s.stream_created_at > g.stream_created_at)),
       (SELECT max(extract(epoch FROM greatest(updated_at - arrived_at, '0')))::float8 FROM hub.shard_progress
        WHERE NOT ended AND updated_at > now() - interval '1 hour'),
       (SELECT extract(epoch FROM now() - max(updated_at))::float8 FROM hub.shard_progress WHERE sequence_number >= 0),
       coalesce(extract(epoch FROM now() - least(
           (SELECT min(marked_at) FROM hub.dirty),
           (SELECT min(coalesce(r.refreshed_at, i.installed_at, r.error_at)) FROM hub.view_refresh r LEFT JOIN hub.installed_view i USING (view_name)
            WHERE r.error IS NOT NULL OR r.refreshed_at IS NULL)
       ))::float8, 0),
       (SELECT count(*) FROM public.coverage WHERE named_by IS NOT NULL)`

// ReadState reads the state, by one query. It fails where the views are not installed.
func ReadState(ctx context.Context, pool *pgxpool.Pool) (State, error) {
	rows, err := pool.Query(ctx, stateSQL)
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[State])
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

// Attributes are the fields of the line in the log. Filters of CloudWatch read them by
// name, so they are an interface: add only. What is not known is null.
func (s State) Attributes() []slog.Attr {
	seconds := func(name string, value *float64) slog.Attr {
		if value == nil {
			return slog.Any(name, nil)
		}
		return slog.Float64(name, *value)
	}
	return []slog.Attr{
		slog.Int64("red_scopes", s.RedScopes),
		slog.Int64("open_rejects", s.OpenRejects),
		slog.Int64("parked", s.Parked),
		slog.Int64("gaps", s.Gaps),
		seconds("behind_seconds", s.BehindSeconds),
		seconds("last_commit_seconds", s.LastCommitSeconds),
		slog.Float64("oldest_refresh_seconds", s.OldestRefreshSeconds),
		slog.Int64("accounts_never_seen", s.AccountsNeverSeen),
	}
}

// StateFields are the names of the fields.
func StateFields() (names []string) {
	for _, a := range (State{}).Attributes() {
		names = append(names, a.Key)
	}
	return names
}
