# SPDX-License-Identifier: LGPL-3.0-or-later
# shellcheck shell=bash
# Completion of quorlog(1) for bash: nouns, verbs, options and the names of logs and
# backups.
# The words come from the program's own help. Source this file, or install it as
# /usr/share/bash-completion/completions/quorlog.bash.

_quorlog_names() {
    # Only what answers at once: nobody waits for a completion. Only characters
    # of log names: compgen expands what it is given.
    "$1" --timeout 1s -o jsonl log list --stale 2>/dev/null |
        sed -n 's/^{"log": "\([A-Za-z0-9._/-]*\)".*/\1/p'
}

_quorlog_backups() {
    "$1" --timeout 1s -o jsonl backup list 2>/dev/null |
        sed -n 's/^{"id": [0-9]*, "name": "\([A-Za-z0-9._-]*\)".*/\1/p'
}

_quorlog() {
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} words=() word choices=
    local i takes_value=' --endpoints --timeout --output -o '
    local aliases='backup_now list_backups stage_recovery print_recovery
        delete_recovery commit_recovery unload_recovery'

    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    -o | --output)
        mapfile -t COMPREPLY < <(compgen -W 'table json jsonl' -- "$current")
        return
        ;;
    -f | --file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $takes_value == *" $word "* ]]; then
            i=$((i + 1))
        elif [[ $word != -* ]]; then
            words+=("$word")
        fi
    done

    if [[ $current == -* ]]; then
        choices=$("$program" "${words[@]:0:2}" --help 2>/dev/null |
            sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')
        choices+=' --endpoints --timeout --output --help --version'
    elif [ ${#words[@]} -eq 0 ]; then
        choices=$("$program" --help 2>/dev/null |
            sed -n 's/^  \([a-z]*\) [a-z-]* .*/\1/p' | sort -u)
        choices+=" $aliases"
    elif [ ${#words[@]} -eq 1 ] && [ "${words[0]}" = stage_recovery ]; then
        choices=$(_quorlog_backups "$program")
    elif [ ${#words[@]} -eq 1 ]; then
        choices=$("$program" "${words[0]}" --help 2>/dev/null |
            sed -n 's/^  [a-z]* \([a-z-]*\) .*/\1/p')
    elif [ ${#words[@]} -eq 2 ]; then
        case ${words[0]} in
        log | writer)
            choices=$(_quorlog_names "$program")
            ;;
        backup | recovery)
            case ${words[1]} in
            show | verify | delete | export | stage)
                choices=$(_quorlog_backups "$program")
                ;;
            import)
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
                ;;
            esac
            ;;
        esac
    elif [ ${#words[@]} -eq 3 ] && [ "${words[1]}" = export ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _quorlog quorlog
