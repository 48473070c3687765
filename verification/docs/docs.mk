# The documents: figures measured by `make bench`, rendered into README.md.
.PHONY: readme-figures
readme-figures:
	@verification/docs/figures $(BUILD)/bench.json README.md
