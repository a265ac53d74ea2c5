// Package canary counts, in the database and for tests, how often each part took
// effect and each row was written. The loader overwrites and skips, so that its own
// tables hide what was done twice; a count does not.
package canary

import "fmt"

// Install returns the statements that start to count: parts of all categories,
// and rows of the category given as far as they are written to live.
func Install(category string) string {
	return fmt.Sprintf(`
CREATE TABLE canary_part (scope uuid, run uuid, part integer);
CREATE TABLE canary_row (row_key uuid, run uuid);
CREATE FUNCTION count_part() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO canary_part VALUES (NEW.scope, NEW.run, NEW.part); RETURN NULL; END $$;
CREATE FUNCTION count_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO canary_row VALUES (NEW.row_key, NEW.run_id); RETURN NULL; END $$;
CREATE TRIGGER count_part AFTER INSERT ON hub.run_part FOR EACH ROW EXECUTE FUNCTION count_part();
CREATE TRIGGER count_row AFTER INSERT OR UPDATE ON obs.%s FOR EACH ROW
	WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION count_row()`, category)
}

// Counts is a query of one text: how many parts took effect, how many of them were
// different ones, and the same of rows. A run writes a row once at most.
const Counts = `
SELECT format('%s parts, %s different; %s rows, %s different',
	(SELECT count(*) FROM canary_part), (SELECT count(*) FROM (SELECT DISTINCT * FROM canary_part) x),
	(SELECT count(*) FROM canary_row), (SELECT count(*) FROM (SELECT DISTINCT * FROM canary_row) x))`

// Want is what Counts gives when nothing was lost or doubled.
func Want(parts, rows int) string {
	return fmt.Sprintf("%d parts, %[1]d different; %d rows, %[2]d different", parts, rows)
}
