#!/bin/sh
# Puts a Go toolchain on a node: pulled, checked, unpacked beside, checked again, renamed in place.
#
#     place.sh [pull] [check] [unpack] [publish]      without a word: all, where it is not there yet
#
# GOROOT_URL       of a .tar.gz whose tree is below go/, with its sums in go.sha256
# GOROOT_SHA256    of that archive, in hexadecimal
# GOROOT_NAME      the folder that it gets below versions/
# GOROOT_ROOT      the node's folder
#
# Needs sh, wget or curl, tar, gzip and sha256sum: busybox has them. A version appears by a rename
# when all of it is there, so a pod meets a whole toolchain or none. What a killed run leaves is
# the next one's to remove.
set -eu

draft="$GOROOT_ROOT/.draft-$GOROOT_NAME"
target="$GOROOT_ROOT/versions/$GOROOT_NAME"

pull() {
    rm -rf "$GOROOT_ROOT"/.draft-*
    mkdir -p "$draft"
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --output "$draft/go.tar.gz" "$GOROOT_URL"
    else
        wget -q -O "$draft/go.tar.gz" "$GOROOT_URL"
    fi
}

check() {
    echo "$GOROOT_SHA256  $draft/go.tar.gz" | sha256sum -c - >/dev/null
}

unpack() {
    tar -x -z -o -f "$draft/go.tar.gz" -C "$draft"
    rm "$draft/go.tar.gz"
    (cd "$draft/go" && sha256sum -c ../go.sha256 >/dev/null)
}

publish() {
    mkdir -p "$GOROOT_ROOT/versions"
    sync -f "$draft" # all of it is on disk before it has its name
    mv -T "$draft/go" "$target"
    # A link is made beside and renamed over: current leads to the old version or to the new one.
    ln -s "versions/$GOROOT_NAME" "$draft/current"
    mv -T "$draft/current" "$GOROOT_ROOT/current"
    sync -f "$GOROOT_ROOT"
    rm -rf "$draft"
}

if [ $# -gt 0 ]; then
    for part in "$@"; do "$part"; done
elif [ ! -d "$target" ]; then
    pull
    check
    unpack
    publish
fi
