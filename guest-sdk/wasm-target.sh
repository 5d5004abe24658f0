#!/bin/sh
# Makes sure that this machine can compile rules to wasm32-unknown-unknown.
#
# Prints the toolchain to build them with on stdout: an empty line for the
# active one, or `wasm` for a toolchain linked under that name. Progress goes
# to stderr. Costs milliseconds when there is nothing to do, and either
# provides the target or stops with one line that says how: tests that need
# it are never skipped quietly.
#
#   RUSTUP_TOOLCHAIN="$(sh guest-sdk/wasm-target.sh)" cargo build --target wasm32-unknown-unknown
set -eu

target=wasm32-unknown-unknown
packages="rustc-web cargo-web rust-web-src rust-web-llvm lld-22"

say() { echo "wasm-target: $*" >&2; }
die() { say "$*"; exit 1; }

# Whether the given command is a rustc that finds the target's library.
has_std() {
    dir=$("$@" --print target-libdir --target "$target" 2>/dev/null) || return 1
    set -- "$dir"/libstd*.rlib
    [ -e "$1" ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian ships the library's source beside its compiler, so the library can be
# built where rustup has nowhere to download it from.
build_from_debian() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT

    missing=
    for package in $packages; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        say "installing$missing"
        as_root apt-get update >&2 || die "cannot refresh the package lists; run: apt-get update"
        # Unquoted: a list of names.
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >&2 ||
            die "cannot install$missing; run: apt-get install$missing"
    fi

    say "building the $target standard library from Debian's source (about half a minute)"
    mkdir "$scratch/src"
    : >"$scratch/src/lib.rs"
    printf '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n' >"$scratch/Cargo.toml"
    (
        cd "$scratch"
        unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTUP_TOOLCHAIN RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$scratch/target" \
            /usr/bin/cargo build --release -Zbuild-std=std,panic_abort --target "$target" >&2
    ) || die "cannot build the $target standard library with /usr/bin/cargo; its messages are above"

    # Whole or not at all: a folder that is half filled would pass for a library.
    lib=$(/usr/bin/rustc --print target-libdir --target "$target")
    rm "$scratch/target/$target/release/deps/"libscratch-*
    as_root mkdir -p "${lib%/*}"
    as_root rm -rf "$lib.new" "$lib"
    as_root mkdir "$lib.new"
    as_root cp "$scratch/target/$target/release/deps/"*.rlib "$lib.new/"
    as_root mv "$lib.new" "$lib"
}

if has_std rustc; then
    echo ""
    exit 0
fi

if ! command -v rustup >/dev/null 2>&1; then
    die "the active Rust toolchain has no $target library, and there is no rustup to add it; install it with your package manager or from https://rustup.rs"
fi

if has_std rustup run wasm rustc; then
    echo wasm
    exit 0
fi

say "adding $target with rustup"
if rustup target add "$target" >&2 && has_std rustc; then
    echo ""
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    die "rustup cannot download $target here; run where it can: rustup target add $target"
fi
if ! has_std /usr/bin/rustc; then
    build_from_debian
fi
has_std /usr/bin/rustc || die "the $target library was built but /usr/bin/rustc does not find it"
rustup toolchain link wasm /usr >&2 || die "cannot link the toolchain; run: rustup toolchain link wasm /usr"
has_std rustup run wasm rustc || die "the linked toolchain \`wasm\` does not find its $target library"
echo wasm
