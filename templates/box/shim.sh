#!/bin/sh
# Stands before a package manager, or git, in a box: runs the real one, further on PATH, and has the relay say what the gate refused if it fails.
name=${0##*/}
own=${0%/*}
real=
saved=$IFS
IFS=:
set -f
for directory in $PATH; do
  candidate=${directory:-.}/$name
  if [ -f "$candidate" ] && [ -x "$candidate" ] && [ ! "$candidate" -ef "$0" ]; then
    real=$candidate
    break
  fi
done
set +f
IFS=$saved
if [ -z "$real" ]; then
  echo "$name: not found" >&2
  exit 127
fi
# Git asks nobody for most of what it does, and is not kept waiting then.
if [ "$name" = git ]; then
  case " $* " in
  *" clone "* | *" fetch "* | *" pull "* | *" push "* | *" ls-remote "* | *" submodule "* | *" remote "*) ;;
  *) exec "$real" "$@" ;;
  esac
fi
# What a package manager starts itself is not stood before again.
if [ -n "$NANOGUARD_SHIM" ] || ! command -v node >/dev/null 2>&1; then exec "$real" "$@"; fi
exec node "$own/../relay.mjs" --shim "$real" -- "$@"
