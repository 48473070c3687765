# The demo, and the one picture of it that the README shows.
.PHONY: demo readme-picture
demo:
	+@BUILD=$(BUILD) MAKE='$(MAKE)' NEWLIB_STAMP=$(NEWLIB_STAMP) tools/demo

readme-picture: demo
	@mkdir -p docs/images
	@cp $(BUILD)/demo/report.svg docs/images/demo.svg
	@echo docs/images/demo.svg
