# The documents: figures measured by `make bench`, rendered into README.md; the lists of what a partition reaches.
.PHONY: readme-figures separation-doc
readme-figures:
	@verification/docs/figures $(BUILD)/bench.json README.md

separation-doc: kernel tools partitions
	@verification/docs/separation $(BUILD) docs/separation.md
