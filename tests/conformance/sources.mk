# Beside Debian's etcd. Each script stands alone, and skips itself without what it needs.
CONFORMANCE_TESTS = \
	tests/conformance/test_conformance.py \
	tests/conformance/test_hostile.py \
	tests/conformance/test_kubernetes.py
TESTS += $(CONFORMANCE_TESTS)
dist_check_SCRIPTS += $(CONFORMANCE_TESTS)
EXTRA_DIST += \
	tests/conformance/cases_etcdctl.py \
	tests/conformance/cases_gateway.py \
	tests/conformance/cases_kubernetes.py \
	tests/conformance/cases_kv.py \
	tests/conformance/cases_lease.py \
	tests/conformance/cases_lock.py \
	tests/conformance/cases_operator.py \
	tests/conformance/cases_range.py \
	tests/conformance/cases_transport.py \
	tests/conformance/cases_txn.py \
	tests/conformance/cases_watch.py \
	tests/conformance/client.py \
	tests/conformance/compare.py \
	tests/conformance/debian.py \
	tests/conformance/differences.py \
	tests/conformance/marks.py \
	tests/conformance/requests_of_txn.py \
	tests/conformance/servers.py \
	tests/conformance/suite.py \
	tests/conformance/wire.py
