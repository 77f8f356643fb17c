# A thin front to CMake: each target does everything that it needs from a bare Debian 12 machine. `make help` lists them.
BUILD = build/release
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: help deps build runners runners-aarch64 demo demo-seeds mobilenetv3 nb201 ofa hat libreoffice translation test bench lint format sanitize fuzz install clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

deps: ## install what is missing of packaging/debian-packages.txt (sudo where you are not root)
	@sh scripts/install-dependencies.sh

build: deps ## configure and build into build/release
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release
	@cmake --build --preset release --parallel $(JOBS)

runners: ## compile the programs of runners/ into build/runners, with onnxruntime for Node (needs Node 20 and npm)
	@sh runners/install.sh $(dir $(BUILD))runners

runners-aarch64: runners ## an aarch64 Node under qemu into build/runners-aarch64, for a test of the runners (Debian; installs nothing)
	@sh scripts/install-aarch64.sh $(dir $(BUILD))runners-aarch64

demo: build ## measure this machine's devices, search once, show and check the fronts (SEED=, THREADS=, DEMO_DIR=, QUICKER=1)
	@sh scripts/demo.sh

demo-seeds: build ## the demo's search for three seeds, with ablations and the means
	@sh scripts/demo-seeds.sh

mobilenetv3: build ## a supernet of MobileNetV3 for CIFAR-10: trained, searched, checked (CIFAR10=FOLDER MINUTES=40; docs/mobilenetv3.md)
	@sh scripts/run-mobilenetv3.sh

nb201: build ## NAS-Bench-201 on 19 devices: search, rivals, scores, a page (TABLES=FOLDER CIFAR10=FOLDER; docs/nb201.md)
	@sh scripts/run-nb201.sh

hat: build ## HAT's transformer on its three devices: predictors, fronts, the published networks, a page (TABLES=FOLDER; docs/transformer.md)
	@sh scripts/run-hat.sh

ofa: build ## Once-for-All's space on 12 GPU settings: search, rivals on the same models, scores, a page (TABLES=FOLDER; docs/mobilenetv3.md)
	@sh scripts/run-ofa.sh

libreoffice: build ## parallel text from LibreOffice's help, English and German: downloaded, aligned, prepared (TEXT_DIR=; docs/text.md)
	@sh scripts/prepare-libreoffice.sh

translation: build ## Transformers that translate LibreOffice's help: measured, searched, BLEU of the fronts, a page (MINUTES=30; docs/transformer.md)
	@sh scripts/run-translation.sh

test: build ## every test, with their number
	@sh scripts/run-tests.sh $(BUILD)

bench: build ## time fleetnas beside PyTorch, which it installs (BENCH=pass: a part, ROUNDS=5, DOCS=1: into docs/benchmarks.md)
	@sh scripts/run-benchmarks.sh $(BUILD) $(if $(DOCS),--write-docs)

lint: deps ## layers, docs, paths; format, clang-tidy and cppcheck where they are installed
	@sh scripts/lint.sh

format: ## rewrite all C files as .clang-format says
	@find src include tests bench examples -name '*.[ch]' -exec clang-format -i {} +

sanitize: deps ## every test under the address and undefined-behaviour sanitizers
	@[ -f build/sanitize/build.ninja ] || cmake --preset sanitize
	@cmake --build --preset sanitize --parallel $(JOBS)
	@sh scripts/run-tests.sh build/sanitize

fuzz: deps ## every parser under clang's fuzzer and sanitizers, which it installs (RUNS=100000 executions each, SEED=1)
	@sh scripts/install-dependencies.sh packaging/debian-packages-fuzz.txt
	@sh scripts/fuzz.sh

install: build ## library, headers and command into PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove build/ (the demo's results lie in it)
	@rm -rf build
