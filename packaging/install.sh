#!/bin/sh
# Installs the program mockaa of a release, on Linux and macOS: sh mockaa-installer.sh [--to FOLDER] [--from URL].
# The checksums of the archives are in this file, so that an archive from another place is verified too.
set -eu

version=@VERSION@

fail() {
    echo "mockaa installer: $*" >&2
    exit 1
}

download() {
    if command -v curl >/dev/null; then
        curl --proto '=https,http,file' --proto-redir '=https' --fail --silent --show-error --location --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --output-document "$2" "$1"
    else
        fail "neither curl nor wget is installed"
    fi
}

sum() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$1"
    else
        shasum -a 256 "$1"
    fi | cut -d ' ' -f 1
}

# All is in a function: of a file that was cut off nothing runs.
install() {
    url=https://github.com/@REPOSITORY@/releases/download/v$version
    folder=${HOME:-/usr/local}/.local/bin
    while [ $# -gt 0 ]; do
        case $1 in
        --to) [ $# -ge 2 ] || fail "--to needs a folder"; folder=$2; shift 2 ;;
        --from) [ $# -ge 2 ] || fail "--from needs a URL"; url=$2; shift 2 ;;
        *) fail "unknown argument $1; use --to FOLDER or --from URL" ;;
        esac
    done

    case "$(uname -s) $(uname -m)" in
    "Linux x86_64") target=x86_64-unknown-linux-gnu expected=@SHA256:x86_64-unknown-linux-gnu@ ;;
    "Linux aarch64" | "Linux arm64") target=aarch64-unknown-linux-gnu expected=@SHA256:aarch64-unknown-linux-gnu@ ;;
    "Darwin x86_64") target=x86_64-apple-darwin expected=@SHA256:x86_64-apple-darwin@ ;;
    "Darwin arm64") target=aarch64-apple-darwin expected=@SHA256:aarch64-apple-darwin@ ;;
    *) fail "no program is made for $(uname -s) on $(uname -m); build it with cargo" ;;
    esac

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    name=mockaa-$version-$target
    download "$url/$name.tar.gz" "$work/$name.tar.gz" || fail "cannot download $url/$name.tar.gz"
    found=$(sum "$work/$name.tar.gz")
    [ "$expected" = "$found" ] || fail "the checksum of $name.tar.gz is $found, not $expected; nothing is installed"
    tar -xzf "$work/$name.tar.gz" -C "$work"
    mkdir -p "$folder"
    # A program that runs cannot be overwritten; a rename replaces it.
    cp "$work/$name/mockaa" "$folder/.mockaa.$$"
    chmod 755 "$folder/.mockaa.$$"
    mv "$folder/.mockaa.$$" "$folder/mockaa"
    echo "installed $("$folder/mockaa" --version) as $folder/mockaa"
    case ":$PATH:" in
    *":$folder:"*) ;;
    *) echo "add $folder to your PATH" ;;
    esac
}

install "$@"
