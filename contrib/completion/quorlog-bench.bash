# SPDX-License-Identifier: LGPL-3.0-or-later
# shellcheck shell=bash
# Completion of quorlog-bench(1) for bash: modes, options and files.
# The words come from the program's own help. Source this file, or install it as
# /usr/share/bash-completion/completions/quorlog-bench.bash.

_quorlog_bench() {
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} choices=

    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --dir | --floor-dir)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --daemon | --html | --json-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    if [[ $current == -* ]]; then
        choices=$("$program" --help 2>/dev/null |
            sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')
    elif [ "$COMP_CWORD" -eq 1 ]; then
        choices=$("$program" --help 2>/dev/null |
            sed -n '/^  quorlog-bench/d; s/^  \([a-z]*\)  *[a-z].*/\1/p')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _quorlog_bench quorlog-bench
