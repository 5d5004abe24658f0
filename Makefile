# Two commands are all: `make demo` and `make test`. Each works alone on a fresh clone.

CARGO ?= cargo
WASM := target/wasm-toolchain
STANDARD := target/rules/standard.wasm
C := target/languages

.PHONY: demo test interop languages bench bench-commit bench-log bench-against lint FORCE

# One selection of packages and features for everything, so that nothing is compiled twice.
ALL := --workspace --features trueup/cli,trueup-tests/whole

demo: $(STANDARD)
	target/debug/trueup demo --module $(STANDARD)

test: $(WASM)
	$(CARGO) fmt --all --check
	$(CARGO) test $(ALL)

# What the audit log is written in, held against implementations by others. Needs no sandbox.
interop:
	$(CARGO) test --manifest-path tests/interop/Cargo.toml --target-dir target/interop

# The contract in another language: a rule in C beside its twin in Rust. Fetches a C compiler (from PyPI) and makes bindings.
languages: $(WASM) target/debug/trueup
	test -x $(C)/venv/bin/python || python3 -m venv $(C)/venv
	$(C)/venv/bin/python -m pip install --quiet --disable-pip-version-check ziglang==0.17.1
	$(CARGO) install --quiet --locked wit-bindgen-cli@0.61.1 --no-default-features --features c --root $(C) --target-dir $(C)/build
	$(C)/bin/wit-bindgen c wit --world rule-module --out-dir $(C)/bindings
	$(C)/venv/bin/python -m ziglang cc -target wasm32-wasi -mexec-model=reactor -O2 -Wall -Wextra -Wl,-z,stack-size=65536 -s \
		-I $(C)/bindings -o $(C)/dormant_admins.core.wasm tests/languages/dormant_admins.c \
		$(C)/bindings/rule_module.c $(C)/bindings/rule_module_component_type.o
	target/debug/trueup rule wrap $(C)/dormant_admins.core.wasm --out $(C)/dormant_admins.wasm
	$(CARGO) test $(ALL) --test it -- --ignored languages:: --nocapture

# How fast it is, on this machine; also in target/bench/summary.json.
bench: $(WASM)
	$(CARGO) build --release $(ALL) --bin bench
	target/release/bench

# How fast committing is; needs no sandbox, so it builds in a minute. Also in target/bench/commit.json.
bench-commit:
	$(CARGO) build --release -p trueup --no-default-features --features sqlite --example commit_rate
	target/release/examples/commit_rate

# What the audit log costs; needs no sandbox either. Also in target/bench-log/summary.json.
bench-log:
	$(CARGO) build --release -p trueup-tests --no-default-features --features store --target-dir target/sim --bin bench-log
	target/sim/release/bench-log

# trueup beside what else could judge, over the same cases; also in target/bench/against.json. Only this builds the other
# engines, with a wasmtime of their own: the first time takes long.
AGAINST := --locked --manifest-path tests/against/Cargo.toml --target-dir target/against
PLUGIN := wasm32-unknown-unknown/guest/trueup_against_plugin.wasm

bench-against: $(WASM)
	RUSTUP_TOOLCHAIN="$$(cat $(WASM))" $(CARGO) build $(AGAINST) -p trueup-against-plugin --profile guest --target wasm32-unknown-unknown
	$(CARGO) build --release $(AGAINST)
	$(CARGO) build --release $(ALL) --bin bench
	target/release/bench against target/against/release/trueup-against target/against/$(PLUGIN)

lint: $(WASM)
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	$(CARGO) check -p trueup --no-default-features

target/debug/trueup: FORCE
	$(CARGO) build $(ALL) --bins

# The default rule module, rebuilt by cargo whenever its sources change.
$(STANDARD): $(WASM) target/debug/trueup
	target/debug/trueup rule build rules/standard --out $(STANDARD)

FORCE:

# The toolchain that can compile guests: found, added or built, whatever this machine allows.
$(WASM): guest-sdk/wasm-target.sh rust-toolchain.toml
	@mkdir -p target
	@sh guest-sdk/wasm-target.sh > $(WASM).new && mv $(WASM).new $(WASM)
