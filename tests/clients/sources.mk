# Clients of etcd, as others wrote them or could have. Each script stands alone, and skips itself without what it needs.
CLIENTS_TESTS = tests/clients/test_python_etcd3.py tests/clients/test_watch.py
CLIENTS_TESTS_LONG = tests/clients/test_mirror.py tests/clients/test_npm_etcd3.py tests/clients/test_watch_long.py
TESTS += $(CLIENTS_TESTS)
dist_check_SCRIPTS += $(CLIENTS_TESTS) $(CLIENTS_TESTS_LONG)
EXTRA_DIST += \
	tests/clients/exercise.py \
	tests/clients/guarantees.py \
	tests/clients/happened.py \
	tests/clients/npm_etcd3.js \
	tests/clients/watchers.py \
	tests/clients/writers.py
LONG_TESTS += $(CLIENTS_TESTS_LONG)
