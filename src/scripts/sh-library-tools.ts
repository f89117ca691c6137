/** What shell scripts have in them that run tools of the system, and that put everything back. */

/** Tools of the system, on copies or on the system itself. */
export const SH_TOOLS = `
need() {
  command -v "$1" > /dev/null 2>&1 || stop "$1 is needed, and is not installed here; nothing was changed"
}

# A tool speaks only when it fails.
quietly() {
  if (LC_ALL=C.UTF-8 && export LC_ALL && "$@") < /dev/null > "$work/output" 2>&1; then return 0; fi
  tr -c ' -~\\n' '?' < "$work/output" >&2
  return 1
}
`;

export const SH_EDIT = `
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
`;

export const SH_RUN = `
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
`;

export const SH_CHROOT = `
# step, root, command inside of it
can_enter() {
  if [ "$(id -u)" -eq 0 ]; then
    for each in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
      if [ -e "$2$each/$3" ] || [ -L "$2$each/$3" ]; then return 0; fi
    done
  fi
  say "$1. NOT DONE, because it takes root and $3 in $2"
  left=1
  return 1
}
`;

export const SH_UNDO_FILES = `
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
`;

export const SH_UNDO_MADE = `
# file, path: directories that were made for it go when they are empty
remove_made() {
  made=$(value_of "made $1")
  directory=\${2%/*}
  while [ "\${made:-0}" -gt 0 ]; do
    rmdir -- "$root$directory" 2> /dev/null || return 0
    directory=\${directory%/*}
    made=$((made - 1))
  done
}
`;

export const SH_UNDO_RUN = `
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
`;
