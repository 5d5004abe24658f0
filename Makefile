# Two commands are all: `make demo` and `make test`. Each works alone on a fresh clone.

CARGO ?= cargo
WASM := target/wasm-toolchain
STANDARD := target/rules/standard.wasm

.PHONY: demo test bench lint clean-demo

demo: $(STANDARD)
	$(CARGO) run --quiet -p trueup --features cli -- demo --module $(STANDARD)

test: $(WASM)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features trueup/cli --quiet -- -D warnings
	$(CARGO) check -p trueup --no-default-features --quiet
	$(CARGO) test --workspace --features trueup/cli

bench: $(STANDARD)
	$(CARGO) bench -p trueup --features cli

# The default rule module, rebuilt by cargo whenever its sources change.
.PHONY: $(STANDARD)
$(STANDARD): $(WASM)
	$(CARGO) run --quiet -p trueup --features cli -- rule build rules/standard --out $(STANDARD)

# The toolchain that can compile guests: found, added or built, whatever this machine allows.
$(WASM): guest-sdk/wasm-target.sh rust-toolchain.toml
	@mkdir -p target
	@sh guest-sdk/wasm-target.sh > $(WASM).new && mv $(WASM).new $(WASM)
