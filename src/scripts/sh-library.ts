/**
 * What every shell script has in it: POSIX, so that it runs in dash, bash, BusyBox and the shells of macOS and the BSDs.
 * Functions end the script themselves when something fails, because `set -e` does not hold inside of a condition.
 */

/** `$script_id` and `$root` are set before. */
export const SH_BASE = `
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:\${PATH:-}
export LC_ALL PATH
umask 077

if [ -n "\${ROOTAUDIT_BACKUP:-}" ]; then backup=$ROOTAUDIT_BACKUP/script-$script_id
elif [ "$(id -u)" -eq 0 ]; then backup=/var/backups/rootaudit/script-$script_id
else backup=\${XDG_STATE_HOME:-\${HOME:?is not set}/.local/state}/rootaudit/script-$script_id
fi

# Names are hostile: what a terminal would act on is not shown.
say() {
  words=$(printf '%s' "$*" | tr -c ' -~' '?')
  printf '%s\\n' "$words"
  [ ! -d "$backup" ] || printf '%s %s\\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$words" >> "$backup/log"
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
  printf '%s\\n' "$*" >> "$backup/state" || stop "$backup/state cannot be written"
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
`;

/** For steps that change files. */
export const SH_FILES = `
# Whoever puts a link into the path leads nobody elsewhere.
no_links() {
  rest=\${1#/} at=$root
  while [ -n "$rest" ]; do
    at=$at/\${rest%%/*}
    [ ! -L "$at" ] || stop "$at is a link now"
    case $rest in
      */*) rest=\${rest#*/} ;;
      *) rest= ;;
    esac
  done
}

# file, path, SHA-256 before, SHA-256 after or - where a tool decides it
expect_file() {
  no_links "$2"
  # What a run that was killed left beside the file.
  remains=$(value_of "temporary $1")
  [ -z "$remains" ] || rm -f -- "$root\${2%/*}/.rootaudit-$remains"
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
  directory=\${1%/*}
  while [ ! -d "$root$directory/." ]; do directory=\${directory%/*}; done
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
  record "temporary $1 \${work##*/}"
  temporary=$root\${2%/*}/.rootaudit-\${work##*/}
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
`;

export const SH_DELETE = `
# step, file, path, SHA-256
delete_file() {
  is_due "$1" "$2" "$3" "$4" none || return 0
  remove_file "$2" "$3"
  record "done $1"
  say "$1. deleted $3"
}
`;

export const SH_CUT = `
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
`;

export const SH_WRITE = `
# What is missing above a file is made, for whom the directory above it belongs to.
make_directory() {
  if [ -z "$1" ] || [ -d "$root$1" ]; then return 0; fi
  make_directory "\${1%/*}"
  mkdir -- "$root$1" || stop "$1 cannot be made"
  chmod 755 "$root$1"
  give_to_parent "$root$1"
  made=$((made + 1))
}

give_to_parent() {
  [ "$(id -u)" -ne 0 ] || chown "$(owner_of "\${1%/*}/." | cut -d ' ' -f 2)" "$1" || stop "$1 cannot be given to its owner"
}

# step, file, path, SHA-256 before and after, permissions; the content comes in
write_file() {
  cat > "$work/new"
  is_due "$1" "$2" "$3" "$4" "$5" || return 0
  [ "$(state_of "$work/new")" = "$5" ] || stop "this script is damaged: the content of $3 is not what it should be"
  if [ "$4" != none ]; then replace_file "$2" "$3" "$work/new"
  else
    made=0
    make_directory "\${3%/*}"
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
`;
