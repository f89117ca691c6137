#!/bin/sh
# Writes what rootaudit finds into an SQLite file, for osquery's automatic table construction (rootaudit.conf beside
# this script). Needs sqlite3. Run it from a timer or cron, as root:
#
#   rootaudit-osquery.sh [database [arguments of `rootaudit scan`]]
#
# The file is replaced as a whole, and stays as it is when the scan fails.
set -eu

database=${1:-/var/lib/rootaudit/osquery.db}
[ $# -eq 0 ] || shift
command=${ROOTAUDIT_COMMAND:-rootaudit}

umask 027
directory=$(cd "$(dirname "$database")" && pwd)
database=$directory/$(basename "$database")
work=$(mktemp -d "$directory/.osquery.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

code=0
"$command" scan --quiet --no-progress --format=csv="$work/scan.csv" "$@" || code=$?
# 1 and 3 are results; of a scan that could not be made there is none.
case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
version=$("$command" --version)

# In its directory, so that no path has to be quoted for sqlite3. The first line of the file has the names of the columns.
# A column "path" would be taken for osquery's own, which has the path of the database.
cd "$work"
sqlite3 -batch -bail new.db <<SQL
.mode csv
.import scan.csv records
CREATE TABLE scan AS
  SELECT CAST(strftime('%s', 'now') AS INTEGER) AS time, '$version' AS version, $code AS exit_code,
    (SELECT count(*) FROM records WHERE record = 'problem') AS problems;
CREATE TABLE findings AS
  SELECT severity, status, advisory, title, category, "match" AS match_kind, accepted, subject, issuer, serialNumber AS serial_number,
    notBefore AS not_before, notAfter AS not_after, sha256, sha1, spkiSha256 AS spki_sha256, storeType AS store_type,
    application, scope, user, storePath AS store_path, path AS file, entry, trust, purposes, removal, commands
  FROM records WHERE record = 'finding';
CREATE TABLE violations AS
  SELECT category AS kind, note AS message, accepted, subject, sha256, storeType AS store_type, storePath AS store_path,
    path AS file, entry
  FROM records WHERE record = 'violation';
CREATE TABLE problems AS
  SELECT path AS file, storePath AS store_path, note AS message FROM records WHERE record = 'problem';
DROP TABLE records;
VACUUM;
SQL
mv -f new.db "$database"
