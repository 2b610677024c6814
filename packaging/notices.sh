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
line=--------------------------------------------------------------------------------
printf '\n%s\nFonts of printed statements\n\n' "$line" >>"$1"
cat fixtures/fonts/OFL.txt >>"$1"
