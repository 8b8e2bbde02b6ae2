#!/bin/bash
# Writes a backup of the running database to standard output, as a tar archive (read it with tar -i, since
# it is several in a row). Runs in the container of the database:
#
#   docker compose exec -T db bash -s < infra/containers/backup.sh > base.tar
#
# This is PostgreSQL's low-level base backup, in its terms and order:
# https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
#
# Exit codes: 0 complete; anything else: throw the archive away, standard error says why.
set -euo pipefail
cd "$PGDATA"

# The backup belongs to one session, which has to last from its start to its end.
coproc session { psql -XAtq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"; }

query() {
  local line
  printf '%s;\n\\echo end of answer\n' "$1" >&"${session[1]}"
  while IFS= read -r line <&"${session[0]}"; do
    [ "$line" != 'end of answer' ] || return 0
    printf '%s\n' "$line"
  done
  echo 'The database ended the session: there is no backup.' >&2
  return 1
}

# Exit code 1 of tar: a file changed while it was read, or went. The write-ahead log mends that.
archive() { tar --warning=none -cf - "$@" || [ $? = 1 ]; }

query "SELECT pg_backup_start('backup', fast => true)" >/dev/null
archive --exclude='pgsql_tmp*' --exclude='./postmaster.*' --exclude='./pg_wal/*' \
  --exclude='./pg_replslot/*' --exclude='./pg_dynshmem/*' --exclude='./pg_notify/*' \
  --exclude='./pg_serial/*' --exclude='./pg_snapshots/*' --exclude='./pg_stat_tmp/*' \
  --exclude='./pg_subtrans/*' .
label=$(query 'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$label" >"$work/backup_label"
archive -C "$work" backup_label -C "$PGDATA" pg_wal

first=$(printf '%s\n' "$label" | sed -n 's/^START WAL LOCATION:.*file \([0-9A-F]*\)).*/\1/p')
if [ -z "$first" ] || ! [ -e "pg_wal/$first" ]; then
  echo 'More was written during the backup than wal_keep_size keeps: raise it, or try when less is written.' >&2
  exit 1
fi
# Last, so that an archive without it is known to be cut short.
: >"$work/backup_complete"
archive -C "$work" backup_complete
