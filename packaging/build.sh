#!/usr/bin/env bash
# Builds the program with the profile `dist`, and packs it: an archive with its checksum, a wheel, the npm packages.
# Use: packaging/build.sh [TARGET [STEP…]]; the target is that of this machine unless it is named, the steps are all of
# notices, archive, wheel, npm. The files are in target/packages.
# It needs cargo, Node, and Python with maturin and wheel (PYTHON may name it).
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
target=${1:-$host}
shift || true
steps=${*:-notices archive wheel npm}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
out=$PWD/target/packages python=${PYTHON:-python3}
notices=$out/THIRD-PARTY-LICENSES.txt
mkdir -p "$out"
# maturin sets it too; with another value the program would be compiled twice.
export MACOSX_DEPLOYMENT_TARGET=11.0

# A program for Linux or Windows needs no library of the system.
config=()
case $target in *-linux-gnu | *-windows-*) config=(--config "$PWD/packaging/static.toml") ;; esac
case $target in *-linux-gnu) cc -O2 -c packaging/name_service.c -o target/name_service.o ;; esac
case $target in
x86_64-*-linux-*) platform=linux-x64 ;;
aarch64-*-linux-*) platform=linux-arm64 ;;
x86_64-apple-*) platform=darwin-x64 ;;
aarch64-apple-*) platform=darwin-arm64 ;;
x86_64-*-windows-*) platform=win32-x64 ;;
*) echo "no package is made for $target" >&2; exit 2 ;;
esac

echo "building mockaa $version for $target"
cargo build --locked --profile dist --bin mockaa --target "$target" ${config[@]+"${config[@]}"}
binary=$PWD/target/$target/dist/mockaa
[ ! -e "$binary.exe" ] || binary=$binary.exe

# The program with its licences, manual pages and completions, in one folder.
write_archive() {
    local name=mockaa-$version-$target
    local stage=$out/$name
    rm -rf "$stage"
    mkdir -p "$stage/man" "$stage/completions"
    cp "$binary" LICENSE "$notices" README.md CHANGELOG.md "$stage"
    # Only the program of this machine can be asked for them.
    if [ "$target" = "$host" ]; then
        "$binary" man --dir "$stage/man" >/dev/null
        for shell in bash zsh fish powershell elvish; do
            "$binary" completions "$shell" >"$stage/completions/mockaa.$shell"
        done
    fi
    local archive
    case $target in
    *-windows-*) archive=$name.zip && (cd "$out" && 7z a -bso0 "$archive" "$name") ;;
    *) archive=$name.tar.gz && tar -C "$out" -czf "$out/$archive" "$name" ;;
    esac
    rm -rf "$stage"
    (cd "$out" && python3 -c 'import hashlib, sys
for name in sys.argv[1:]: print(hashlib.sha256(open(name, "rb").read()).hexdigest() + "  " + name)' "$archive" >"$archive.sha256")
}

write_wheel() {
    local stage=$out/wheel
    rm -rf "$stage"
    mkdir -p "$stage"
    cp packaging/python/pyproject.toml packaging/python/README.md LICENSE "$notices" "$stage"
    local tag=()
    case $target in *-linux-gnu) tag=(--compatibility manylinux2014) ;; esac
    # The program is not compiled again.
    (cd "$stage" && "$python" -m maturin build --quiet --locked --profile dist --target "$target" \
        ${config[@]+"${config[@]}"} ${tag[@]+"${tag[@]}"} --auditwheel skip --out "$stage/made")
    # It needs no library, so that it runs beside musl too.
    case $target in *-linux-gnu) "$python" -m wheel tags --remove --platform-tag "+musllinux_1_1_${target%%-*}" "$stage"/made/*.whl >/dev/null ;; esac
    mkdir -p "$out/python"
    mv "$stage"/made/*.whl "$out/python"
    rm -rf "$stage"
}

for step in $steps; do
    case $step in
    notices) packaging/notices.sh "$notices" ;;
    archive) write_archive ;;
    wheel) write_wheel ;;
    npm) node packaging/npm/pack.mjs "$version" "$platform" "$binary" "$notices" "$out/npm" ;;
    *) echo "unknown step $step; use notices, archive, wheel or npm" >&2; exit 2 ;;
    esac
done
