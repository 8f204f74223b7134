# Two commands do it all: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv

.PHONY: demo test clean

demo: $(VENV)/installed
	$(VENV)/bin/impasto src/impasto/data/sample.jpg starry-night -o demo.png
	@echo "Open $(CURDIR)/demo.png"

test: $(VENV)/installed
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" ./check

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo.png
