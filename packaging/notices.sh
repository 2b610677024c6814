#!/bin/sh
# Writes the licences of all that is compiled into the program: packaging/notices.sh FILE.
# Installs cargo-about below target/tools on first use.
set -eu
cd "$(dirname "$0")/.."
version=0.9.3
tool=target/tools/bin/cargo-about
"$tool" --version 2>/dev/null | grep -qF "$version" ||
    cargo install --quiet --locked --root target/tools --features cli "cargo-about@$version"
# Every text is in the packages of the crates: no service is asked.
cargo fetch --quiet --locked
"$tool" generate --frozen --fail --config packaging/about.toml packaging/about.hbs >"$1"
# What else is linked, and notices that a crate has in a place where cargo-about does not look.
section() {
    printf '\n%s\n%s\n\n' --------------------------------------------------------------------------------- "$1"
}
source_of() {
    cargo metadata --format-version 1 --frozen | tr ',' '\n' |
        sed -n "s|.*\"manifest_path\":\"\(.*/$1-[^\"/]*\)/Cargo.toml\".*|\1|p" | head -n 1
}
{
    section "aws-lc-sys"
    cat "$(source_of aws-lc-sys)/LICENSE"
    section "qrcodegen"
    sed -n '/^ \*/s/^ \* \{0,1\}//p' "$(source_of qrcodegen)/src/lib.rs" | head -n 24
    section "Standard library of Rust (MIT or Apache-2.0, whose texts stand above)"
    echo "Copyright (c) The Rust Project Contributors"
    section "Fonts of printed statements"
    cat fixtures/fonts/OFL.txt
    # The program for Linux has the C library within. Its source is that of the distribution on which it is linked.
    if [ -e /usr/share/doc/libc6/copyright ]; then
        section "GNU C Library (LGPL-2.1 or later), in the program for Linux: $(ldd --version | head -n 1)"
        cat /usr/share/doc/libc6/copyright /usr/share/common-licenses/LGPL-2.1
    fi
} >>"$1"
