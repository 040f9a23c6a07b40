# Two commands do all: `make run` builds and starts the service, `make test` passes all tests.
# Both install what they need first; without make: `sh deploy/run` and `sh deploy/test`.

.PHONY: run test

run:
	sh deploy/run

test:
	sh deploy/test
