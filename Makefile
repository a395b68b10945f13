# Every target sets up what it needs; see README.md.

FUZZ_SECONDS := 20

.PHONY: help setup demo test prove pin bench lint docs fuzz measure fpga clean

help:
	@echo "make demo     compress a real network's feature maps in software and simulated hardware, and write a page"
	@echo "make test     run the tests"
	@echo "make prove    run the long proofs, which a release needs besides the tests"
	@echo "make pin      write what the formats of new codecs must never change from"
	@echo "make bench    measure the speed of the codecs and of the simulated engines"
	@echo "make lint     check style and types"
	@echo "make docs     build the documentation into build/docs"
	@echo "make fuzz     feed the decoders random input, FUZZ_SECONDS=20 each"
	@echo "make measure  measure area and critical path of every engine (needs SILICODEC_PDK)"
	@echo "make fpga     build bitstreams of EBPC encoder and decoder for every board"
	@echo "make setup    only set up"
	@echo "make clean    remove what was built, but not .venv"

setup:
	@scripts/setup.sh

demo: setup
	.venv/bin/silicodec demo

test: setup
	.venv/bin/pytest -q -n auto --benchmark-skip

prove: setup
	.venv/bin/pytest -q -n auto -m prove

pin: setup
	.venv/bin/python -m silicodec.verif.pinned

bench: setup
	.venv/bin/pytest -q --benchmark-only --benchmark-timer=time.process_time verif/benchmarks

fuzz: setup
	.venv/bin/python verif/fuzz/fuzz_decoders.py --seconds $(FUZZ_SECONDS)

# Links every folder under its installed name, for mypy, which does not read the import hook of an editable install.
lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	@rm -rf build/types && mkdir -p build/types/silicodec
	@ln -s $(CURDIR)/models $(CURDIR)/rtl $(CURDIR)/verif $(CURDIR)/asic $(CURDIR)/fpga $(CURDIR)/silicodec/* build/types/silicodec/
	.venv/bin/mypy

docs: setup
	.venv/bin/python -m sphinx -b html -W --keep-going -q -j auto docs build/docs
	@echo "build/docs/index.html"

measure: setup
	.venv/bin/silicodec asic measure --all --out asic/records
	.venv/bin/python scripts/record_tables.py

fpga: setup
	.venv/bin/silicodec fpga ebpc-encoder ebpc-decoder --records fpga/records
	.venv/bin/silicodec fpga ebpc-encoder ebpc-decoder --bare --board hx8k --records fpga/records
	.venv/bin/python scripts/record_tables.py

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
