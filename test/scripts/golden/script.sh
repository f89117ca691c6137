#!/bin/sh
# Written by rootaudit 0.0.0. Ends the trust of this machine in:
#   CN=Planted Root
#   SHA-256 0000000000000000000000000000000000000000000000000000000000000000
# Note on /CN=Planted Root: CN=Planted Root
#
#   sh SCRIPT         does it; a second run changes nothing
#   sh SCRIPT undo    puts everything back
#
# Copies and a log are kept in /var/backups/rootaudit (without root in ~/.local/state/rootaudit), or in the
# directory that ROOTAUDIT_BACKUP names.
set -eu

script_id=dd5e7f93a6d39650
root=''

LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:${PATH:-}
export LC_ALL PATH
umask 077

if [ -n "${ROOTAUDIT_BACKUP:-}" ]; then backup=$ROOTAUDIT_BACKUP/script-$script_id
elif [ "$(id -u)" -eq 0 ]; then backup=/var/backups/rootaudit/script-$script_id
else backup=${XDG_STATE_HOME:-${HOME:?is not set}/.local/state}/rootaudit/script-$script_id
fi

# Names are hostile: what a terminal would act on is not shown.
say() {
  words=$(printf '%s' "$*" | tr -c ' -~' '?')
  printf '%s\n' "$words"
  [ ! -d "$backup" ] || printf '%s %s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$words" >> "$backup/log"
}

stop() {
  say "Stopped: $*" >&2
  exit 1
}

work=
temporary=
clean_up() {
  [ -z "$work" ] || rm -rf -- "$work"
  [ -z "$temporary" ] || rm -f -- "$temporary"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if command -v sha256sum > /dev/null 2>&1; then digest() { sha256sum; }
elif command -v shasum > /dev/null 2>&1; then digest() { shasum -a 256; }
elif command -v sha256 > /dev/null 2>&1; then digest() { sha256 -q; }
else digest() { openssl dgst -sha256 -r; }
fi

record() {
  printf '%s\n' "$*" >> "$backup/state" || stop "$backup/state cannot be written"
}

is_known() {
  [ -f "$backup/state" ] && grep -qxF -e "$*" "$backup/state"
}

# The SHA-256 of a file; else what is there instead of one.
state_of() {
  if [ -L "$1" ]; then echo link
  elif [ -f "$1" ]; then digest < "$1" | cut -c 1-64
  elif [ -e "$1" ]; then echo other
  else echo none
  fi
}

# What was recorded last: "after 3" is what this script made of file 3.
value_of() {
  [ ! -f "$backup/state" ] || sed -n "s/^$1 //p" "$backup/state" | tail -n 1
}

make_backup() {
  mkdir -p -- "$backup/files" "$backup/trees" || stop "$backup cannot be made"
}

# Whoever puts a link into the path leads nobody elsewhere.
no_links() {
  rest=${1#/} at=$root
  while [ -n "$rest" ]; do
    at=$at/${rest%%/*}
    [ ! -L "$at" ] || stop "$at is a link now"
    case $rest in
      */*) rest=${rest#*/} ;;
      *) rest= ;;
    esac
  done
}

# file, path, SHA-256 before, SHA-256 after or - where a tool decides it
expect_file() {
  no_links "$2"
  # What a run that was killed left beside the file.
  remains=$(value_of "temporary $1")
  [ -z "$remains" ] || rm -f -- "$root${2%/*}/.rootaudit-$remains"
  now=$(state_of "$root$2")
  case $now in
    "$3" | "$4") ;;
    *)
      if [ -z "$now" ] || [ "$now" != "$(value_of "after $1")" ]; then
        stop "$2 is not the file that this script was written for, or cannot be read; it was not touched"
      fi
      ;;
  esac
}

# Of what there is above a path, the last directory.
directory_above() {
  directory=${1%/*}
  while [ ! -d "$root$directory/." ]; do directory=${directory%/*}; done
}

# The first copy stands.
save_file() {
  make_backup
  directory_above "$2"
  [ -f "$backup/files/$1.time" ] || touch -r "$root$directory/." "$backup/files/$1.time"
  [ -f "$root$2" ] || return 0
  [ ! -f "$backup/files/$1" ] || return 0
  cp -p -- "$root$2" "$backup/files/$1.part" || stop "$2 cannot be copied"
  mv -f -- "$backup/files/$1.part" "$backup/files/$1" || stop "$2 cannot be copied"
}

# file, path: a new file beside it, of a name that nobody can foresee and that is known before it is there
make_temporary() {
  record "temporary $1 ${work##*/}"
  temporary=$root${2%/*}/.rootaudit-${work##*/}
  (set -C && : > "$temporary") 2> /dev/null || stop "nothing can be written beside $2"
}

# stat(1) differs from system to system.
# shellcheck disable=SC2012
owner_of() {
  ls -ldn -- "$1" | awk 'NR == 1 { print $1 " " $3 ":" $4 }'
}

# file, path, a file with the new content: owner and permissions stay
replace_file() {
  target=$root$2
  make_temporary "$1" "$2"
  cp -p -- "$target" "$temporary" || stop "nothing can be written beside $2"
  [ "$(owner_of "$target")" = "$(owner_of "$temporary")" ] || stop "$2 would lose its owner: run this as root"
  if [ -w "$temporary" ]; then cat < "$3" > "$temporary" || stop "$2 cannot be written"
  else
    chmod u+w "$temporary"
    cat < "$3" > "$temporary" || stop "$2 cannot be written"
    chmod u-w "$temporary"
  fi
  if command -v selinuxenabled > /dev/null 2>&1 && selinuxenabled; then
    chcon --reference="$target" "$temporary" || stop "$2 would lose its label"
  fi
  record "after $1 $(state_of "$temporary")"
  mv -f -- "$temporary" "$target" || stop "$2 cannot be replaced"
  temporary=
  changed=1
}

# file, path
remove_file() {
  record "after $1 none"
  rm -f -- "$root$2" || stop "$2 cannot be deleted"
  changed=1
}

# step, file, path, SHA-256 before, SHA-256 after: false when that is done
is_due() {
  expect_file "$2" "$3" "$4" "$5"
  if [ "$now" = "$5" ] || { is_known "done $1" && [ "$now" = "$(value_of "after $2")" ]; }; then
    say "$1. done before"
    return 1
  fi
  save_file "$2" "$3"
}

# step, file, path, SHA-256
delete_file() {
  is_due "$1" "$2" "$3" "$4" none || return 0
  remove_file "$2" "$3"
  record "done $1"
  say "$1. deleted $3"
}

# Not every system has head -c.
if [ "$(printf 12 | head -c 1 2> /dev/null)" = 1 ]; then first_bytes() { head -c "$1"; }
else first_bytes() { dd bs=1 count="$1" 2> /dev/null; }
fi

# step, file, path, SHA-256 before and after, then what stays: from the byte of this number, so many (or all)
cut_file() {
  is_due "$1" "$2" "$3" "$4" "$5" || return 0
  cut_step=$1 cut_file=$2 cut_path=$3 cut_after=$5
  shift 5
  : > "$work/cut"
  while [ $# -gt 0 ]; do
    if [ "$2" = all ]; then tail -c "+$1" < "$root$cut_path" >> "$work/cut"
    else tail -c "+$1" < "$root$cut_path" | first_bytes "$2" >> "$work/cut"
    fi
    shift 2
  done
  [ "$(state_of "$work/cut")" = "$cut_after" ] || stop "$cut_path could not be cut as it was planned; it was not touched"
  replace_file "$cut_file" "$cut_path" "$work/cut"
  record "done $cut_step"
  say "$cut_step. cut $cut_path"
}

# What is missing above a file is made, for whom the directory above it belongs to.
make_directory() {
  if [ -z "$1" ] || [ -d "$root$1" ]; then return 0; fi
  make_directory "${1%/*}"
  mkdir -- "$root$1" || stop "$1 cannot be made"
  chmod 755 "$root$1"
  give_to_parent "$root$1"
  made=$((made + 1))
}

give_to_parent() {
  [ "$(id -u)" -ne 0 ] || chown "$(owner_of "${1%/*}/." | cut -d ' ' -f 2)" "$1" || stop "$1 cannot be given to its owner"
}

# step, file, path, SHA-256 before and after, permissions; the content comes in
write_file() {
  cat > "$work/new"
  is_due "$1" "$2" "$3" "$4" "$5" || return 0
  [ "$(state_of "$work/new")" = "$5" ] || stop "this script is damaged: the content of $3 is not what it should be"
  if [ "$4" != none ]; then replace_file "$2" "$3" "$work/new"
  else
    made=0
    make_directory "${3%/*}"
    [ "$made" -eq 0 ] || record "made $2 $made"
    make_temporary "$2" "$3"
    cat < "$work/new" > "$temporary" || stop "$3 cannot be written"
    chmod "$6" "$temporary"
    give_to_parent "$temporary"
    record "after $2 $5"
    mv -f -- "$temporary" "$root$3" || stop "$3 cannot be written"
    temporary=
    changed=1
  fi
  record "done $1"
  say "$1. wrote $3"
}

need() {
  command -v "$1" > /dev/null 2>&1 || stop "$1 is needed, and is not installed here; nothing was changed"
}

# A tool speaks only when it fails.
quietly() {
  if (LC_ALL=C.UTF-8 && export LC_ALL && "$@") < /dev/null > "$work/output" 2>&1; then return 0; fi
  tr -c ' -~\n' '?' < "$work/output" >&2
  return 1
}

begin_edit() {
  copies=$work/edit-$1/copies
  mkdir -p -- "$copies" "$work/edit-$1/home"
  edit_due=0
}

# step, file, path, SHA-256 before, name of the copy
copy_edited() {
  expect_file "$2" "$3" "$4" -
  if ! is_known "done $1" || [ "$now" != "$(value_of "after $2")" ]; then edit_due=1; fi
  [ ! -d "$backup/edits/$1" ] || return 0
  cp -- "$root$3" "$copies/$5" || stop "$3 cannot be copied"
  chmod 600 "$copies/$5"
}

edit_is_due() {
  [ "$edit_due" -eq 0 ] || return 0
  say "$1. done before"
  return 1
}

# step, command …: in the directory of the copies
tool() {
  tool_step=$1
  shift
  (
    cd "$copies" || exit 1
    HOME=$work/edit-$tool_step/home
    export HOME
    quietly "$@"
  ) || stop "$1 could not change the copy"
}

# What came of it is kept before the first of several files is put in place: a run that is killed in between goes on.
keep_edit() {
  for each in "$copies"/*-journal "$copies"/*-wal; do
    [ ! -s "$each" ] || stop "the copy was left unfinished"
  done
  make_backup
  rm -rf -- "$backup/edits/$1.part"
  mkdir -p -- "$backup/edits" || stop "$backup/edits cannot be made"
  cp -pR -- "$copies" "$backup/edits/$1.part" || stop "$backup/edits cannot be written"
  mv -- "$backup/edits/$1.part" "$backup/edits/$1" || stop "$backup/edits cannot be written"
}

# step, file, path, name of the copy
put_edited() {
  save_file "$2" "$3"
  new=$backup/edits/$1/$4
  if [ ! -f "$new" ]; then [ ! -f "$root$3" ] || remove_file "$2" "$3"
  elif cmp -s "$new" "$root$3"; then record "after $2 $(state_of "$root$3")"
  else replace_file "$2" "$3" "$new"
  fi
}

end_edit() {
  record "done $1"
  say "$1. changed $2"
}

# step, 1 when copies are made anew by it: which is due again when a source has changed
run_is_due() {
  if is_known "done $1" && { [ "$2" -eq 0 ] || [ "$changed" -eq 0 ]; }; then
    say "$1. done before"
    return 1
  fi
  make_backup
}

# What a command changes in a place that is there or not.
save_tree() {
  if [ -e "$backup/trees/$1" ] || is_known "absent $1"; then return 0; fi
  if [ ! -e "$root$2" ]; then record "absent $1"
  else
    rm -rf -- "$backup/trees/$1.part"
    cp -pPR -- "$root$2" "$backup/trees/$1.part" || stop "$2 cannot be copied"
    mv -- "$backup/trees/$1.part" "$backup/trees/$1" || stop "$2 cannot be copied"
  fi
}

tree_mark() {
  if [ ! -e "$1" ]; then echo none
  else
    {
      find "$1" -type f -exec cat {} + | digest
      find "$1" -exec ls -ldn {} +
    } | LC_ALL=C sort | digest | cut -c 1-64
  fi
}

mark_tree() {
  record "tree $1 $(tree_mark "$root$2")"
}

# What the system makes is for everyone to read.
of_system() {
  (umask 022 && quietly "$@")
}

# step, command …
run_command() {
  record "begun $1"
  shift
  of_system "$@" || stop "$1 failed; what was done before stays done, and can be undone"
}

end_run() {
  changed=1
  record "done $1"
  say "$1. $2"
}

# file, path, SHA-256 before, SHA-256 after or -
restore_file() {
  now=$(state_of "$root$2")
  [ "$now" != "$3" ] || return 0
  if [ "$3" = none ]; then rm -f -- "$root$2" || stop "$2 cannot be deleted"
  else
    [ "$(state_of "$backup/files/$1")" = "$3" ] || stop "the copy of $2 in $backup is damaged"
    make_temporary "$1" "$2"
    cp -p -- "$backup/files/$1" "$temporary" || stop "nothing can be written beside $2"
    if command -v restorecon > /dev/null 2>&1 && [ -z "$root" ]; then restorecon "$temporary" > /dev/null 2>&1 || true; fi
    mv -f -- "$temporary" "$root$2" || stop "$2 cannot be replaced"
  fi
  temporary=
  say "put back $2"
}

restore_time() {
  [ -f "$backup/files/$1.time" ] || return 0
  directory_above "$2"
  touch -r "$backup/files/$1.time" "$root$directory/." 2> /dev/null || true
}

# file, path: directories that were made for it go when they are empty
remove_made() {
  made=$(value_of "made $1")
  directory=${2%/*}
  while [ "${made:-0}" -gt 0 ]; do
    rmdir -- "$root$directory" 2> /dev/null || return 0
    directory=${directory%/*}
    made=$((made - 1))
  done
}

# number, path: false when it has changed since
restore_tree() {
  known=$(value_of "tree $1")
  if [ ! -e "$backup/trees/$1" ] && ! is_known "absent $1"; then return 0; fi
  if [ -z "$known" ] || [ "$known" != "$(tree_mark "$root$2")" ]; then return 1; fi
  if is_known "absent $1"; then rm -rf -- "$root$2" || stop "$2 cannot be deleted"
  elif [ -d "$backup/trees/$1" ]; then
    (cd "$root$2" && find . ! -name . -prune -exec rm -rf -- {} +) || stop "$2 cannot be emptied"
    cp -pPR -- "$backup/trees/$1/." "$root$2/" || stop "$2 cannot be put back"
    touch -r "$backup/trees/$1" "$root$2"
  else cp -pP -- "$backup/trees/$1" "$root$2" || stop "$2 cannot be put back"
  fi
  if command -v restorecon > /dev/null 2>&1 && [ -z "$root" ]; then restorecon -R "$2" > /dev/null 2>&1 || true; fi
  say "put back $2"
}

check() {
  need keytool
  need update-ca-certificates
  expect_file 1 '/usr/local/share/ca'\''s/x.crt' 5b3975651c3cab92d044c096dc30a1c2d9525497457472de48c51ecb363d1f4a none
  expect_file 2 /srv/bundle.pem 9cf0a807b8db6839aa45ff9785384265cfce96d67b596db8b8c24f1fd22a14d4 39168b32831ea36a303ec47c740cf61612e1c4fc8d4ef8bef184530483e17b53
  expect_file 3 /etc/app.conf cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4 2fb36f56a019666479ddf4e3c672fc22fe8908614b4c4180faff7b0788421c32
  expect_file 4 /etc/new/blocked.pem none 4cdc45231e811ae16dc6ca8fbf765dbeb66272085f23fd68de160e57288dbc97
  expect_file 5 /srv/trust.jks c3642d618835dcd44fe0122ffec90461bb168bdf2b5efa20f8d775ad3115e5fa -
}

apply() {
  changed=0

  # 1. delete /usr/local/share/ca's/x.crt
  delete_file 1 1 '/usr/local/share/ca'\''s/x.crt' 5b3975651c3cab92d044c096dc30a1c2d9525497457472de48c51ecb363d1f4a

  # 2. cut 15 bytes out of /srv/bundle.pem
  cut_file 2 2 /srv/bundle.pem 9cf0a807b8db6839aa45ff9785384265cfce96d67b596db8b8c24f1fd22a14d4 39168b32831ea36a303ec47c740cf61612e1c4fc8d4ef8bef184530483e17b53 1 7 23 all

  # 3. change /etc/app.conf
  write_file 3 3 /etc/app.conf cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4 2fb36f56a019666479ddf4e3c672fc22fe8908614b4c4180faff7b0788421c32 644 << 'END_2fb36f56a0196664'
# new
x = "1"
END_2fb36f56a0196664

  # 4. make /etc/new/blocked.pem
  write_file 4 4 /etc/new/blocked.pem none 4cdc45231e811ae16dc6ca8fbf765dbeb66272085f23fd68de160e57288dbc97 644 << 'END_4cdc45231e811ae1'
blocked
END_4cdc45231e811ae1

  # 5. change /srv/trust.jks with keytool
  begin_edit 5
  copy_edited 5 5 /srv/trust.jks c3642d618835dcd44fe0122ffec90461bb168bdf2b5efa20f8d775ad3115e5fa trust.jks
  if edit_is_due 5; then
    if [ ! -d "$backup/edits/5" ]; then
      tool 5 keytool -delete -alias 'it'\''s {{ x }}' -keystore "$copies/trust.jks" -storepass changeit
      keep_edit 5
    fi
    put_edited 5 5 /srv/trust.jks trust.jks
    end_edit 5 /srv/trust.jks
  fi

  # 6. run update-ca-certificates --fresh
  if run_is_due 6 1; then
    save_tree 6-1 /etc/ssl/certs
    run_command 6 update-ca-certificates --fresh
    mark_tree 6-1 /etc/ssl/certs
    end_run 6 'run update-ca-certificates --fresh'
  fi

  say 'By hand: CN=Planted Root (/CN=Planted Root): CN=Planted Root'
  say 'By hand: CN=Planted Root (/CN=Planted Root): shares a file with what was changed; let rootaudit write another script afterwards'
  if [ "$changed" -eq 0 ]; then say 'Nothing was left to do.'
  else say 'Done.'
  fi
}

undo() {
  [ -f "$backup/state" ] || {
    say 'There is nothing to undo.'
    return 0
  }
  work=$(mktemp -d) || stop 'no temporary directory can be made'
  expect_file 1 '/usr/local/share/ca'\''s/x.crt' 5b3975651c3cab92d044c096dc30a1c2d9525497457472de48c51ecb363d1f4a none
  expect_file 2 /srv/bundle.pem 9cf0a807b8db6839aa45ff9785384265cfce96d67b596db8b8c24f1fd22a14d4 39168b32831ea36a303ec47c740cf61612e1c4fc8d4ef8bef184530483e17b53
  expect_file 3 /etc/app.conf cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4 2fb36f56a019666479ddf4e3c672fc22fe8908614b4c4180faff7b0788421c32
  expect_file 4 /etc/new/blocked.pem none 4cdc45231e811ae16dc6ca8fbf765dbeb66272085f23fd68de160e57288dbc97
  expect_file 5 /srv/trust.jks c3642d618835dcd44fe0122ffec90461bb168bdf2b5efa20f8d775ad3115e5fa -
  restore_file 5 /srv/trust.jks c3642d618835dcd44fe0122ffec90461bb168bdf2b5efa20f8d775ad3115e5fa
  restore_file 4 /etc/new/blocked.pem none
  remove_made 4 /etc/new/blocked.pem
  restore_file 3 /etc/app.conf cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4
  restore_file 2 /srv/bundle.pem 9cf0a807b8db6839aa45ff9785384265cfce96d67b596db8b8c24f1fd22a14d4
  restore_file 1 '/usr/local/share/ca'\''s/x.crt' 5b3975651c3cab92d044c096dc30a1c2d9525497457472de48c51ecb363d1f4a
  if is_known "begun 6"; then
    again=0
    restore_tree 6-1 /etc/ssl/certs || again=1
    if [ "$again" -eq 1 ]; then
      of_system update-ca-certificates --fresh || stop 'step 6 cannot be run again'
      say '6. run again'
    fi
  fi
  restore_time 5 /srv/trust.jks
  restore_time 4 /etc/new/blocked.pem
  restore_time 3 /etc/app.conf
  restore_time 2 /srv/bundle.pem
  restore_time 1 '/usr/local/share/ca'\''s/x.crt'
  rm -rf -- "$backup/files" "$backup/trees" "$backup/edits" "$backup/state"
  say 'Everything is back.'
}

case ${1:-apply} in
  apply)
    check
    work=$(mktemp -d) || stop 'no temporary directory can be made'
    apply
    ;;
  undo)
    undo
    ;;
  *)
    printf 'usage: sh %s [undo]\n' "$0" >&2
    exit 2
    ;;
esac
