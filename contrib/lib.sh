# SPDX-License-Identifier: LGPL-3.0-or-later
# shellcheck shell=bash
# What contrib/quickstart and tests/run share.

BUILD_PACKAGES="gcc make autoconf automake libtool pkg-config \
    libuv1-dev libraft-dev libmsgpack-dev liblz4-dev libxxhash-dev \
    nettle-dev libinih-dev libjansson-dev liburing-dev"
TEST_PACKAGES="libcmocka-dev python3 python3-msgpack python3-pynvim \
    clang clang-format g++ mandoc lz4 strace"

say() {
    printf '== %s\n' "$*"
}

# Installs those of the named Debian packages that are missing.
install_packages() {
    local missing=() package sudo=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
            grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "nothing is missing"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null || {
            echo "missing: ${missing[*]}; run this as root or install sudo" >&2
            exit 1
        }
    fi
    say "installing: ${missing[*]}"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends "${missing[@]}"
}

# build_tree TOP BUILD [configure flags]: everything, out of the source tree.
# Objects made with other flags are not mixed in: they are built anew.
build_tree() {
    local top=$1 build=$2 flags
    shift 2
    flags=${*//--enable-werror/}
    mkdir -p "$build"
    [ -x "$top/configure" ] || (cd "$top" && ./autogen.sh)
    (
        cd "$build"
        "$top/configure" "$@"
        if [ -f flags.txt ] && [ "$(cat flags.txt)" != "$flags" ]; then
            make clean
        fi
        echo "$flags" >flags.txt
        make -j"$(nproc)"
    )
}

# wait_until SECONDS WHAT COMMAND...: polls; fails loudly at the deadline.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "gave up waiting until $what" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# A loopback port that nothing listens on and that was not handed out before.
free_port() {
    local port
    for _ in $(seq 200); do
        port=$((20000 + RANDOM % 12000))
        if [ ! -e "${run:?}/port.$port" ] &&
            ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            : >"$run/port.$port"
            echo "$port"
            return
        fi
    done
    echo "no free port on loopback" >&2
    exit 1
}

# At least 10,000 lines of real text of this machine: its package log, its
# package database, and if these are short the licences and manuals beside them.
real_text() {
    {
        cat /var/log/dpkg.log /var/lib/dpkg/status 2>/dev/null
        cat /usr/share/common-licenses/* /usr/share/perl/*/pod/*.pod \
            /var/lib/dpkg/info/*.md5sums 2>/dev/null
    } | awk 'NR <= 60000 && length($0) < 1000000'
}
