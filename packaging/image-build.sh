#!/bin/sh
# Builds the program of the image, for the processor of the machine, as /mockaa.
set -eu
target=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p target
cc -O2 -c packaging/name_service.c -o target/name_service.o
cargo build --locked --profile dist --bin mockaa --config packaging/static.toml --target "$target"
cp "target/$target/dist/mockaa" /mockaa
