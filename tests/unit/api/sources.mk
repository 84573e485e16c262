# The tests of api/.
API_TESTS = \
	tests/unit/api/test_connection \
	tests/unit/api/test_control \
	tests/unit/api/test_events \
	tests/unit/api/test_events_index \
	tests/unit/api/test_events_many \
	tests/unit/api/test_gateway \
	tests/unit/api/test_grpc \
	tests/unit/api/test_http \
	tests/unit/api/test_json \
	tests/unit/api/test_member \
	tests/unit/api/test_members \
	tests/unit/api/test_methods \
	tests/unit/api/test_proto \
	tests/unit/api/test_proto_json \
	tests/unit/api/test_range_counts \
	tests/unit/api/test_reactor \
	tests/unit/api/test_rpc_auth \
	tests/unit/api/test_rpc_cluster \
	tests/unit/api/test_rpc_lease \
	tests/unit/api/test_rpc_kv \
	tests/unit/api/test_rpc_maintenance \
	tests/unit/api/test_rpc_queue \
	tests/unit/api/test_rpc_op \
	tests/unit/api/test_rpc_watch \
	tests/unit/api/test_rpc_watch_notices \
	tests/unit/api/test_trees \
	tests/unit/api/test_watch
check_PROGRAMS += $(API_TESTS)
TESTS += $(API_TESTS)

tests_unit_api_test_connection_LDADD = libapi.a libbase.a $(UNIT_LIBS)
tests_unit_api_test_control_LDADD = $(CONTROL_LIBS) $(UNIT_LIBS)
tests_unit_api_test_events_index_LDADD = libapi.a libbase.a $(UNIT_LIBS)
tests_unit_api_test_json_LDADD = $(CONTROL_LIBS) $(UNIT_LIBS)
tests_unit_api_test_range_counts_LDADD = libapi.a libbase.a $(UNIT_LIBS)
tests_unit_api_test_reactor_LDADD = libapi.a libbase.a $(UNIT_LIBS)
tests_unit_api_test_proto_LDADD = libapi.a libbase.a $(PROTOBUF_C_LIBS) $(UNIT_LIBS)
tests_unit_api_test_proto_json_LDADD = libapi.a libcontrol.a libbase.a $(JANSSON_LIBS) $(PROTOBUF_C_LIBS) $(UNIT_LIBS)

API_FIXTURE = tests/unit/api/fixture.c tests/unit/api/fixture.h
API_TEST_LIBS = libapi.a $(TREE_LIBS) libsolo.a libcontrol.a libstore.a libbase.a \
	$(HTTP_PARSER_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS) $(UNIT_LIBS)
tests_unit_api_test_gateway_SOURCES = \
	tests/unit/api/test_gateway.c tests/unit/api/http_client.c tests/unit/api/http_client.h $(API_FIXTURE)
tests_unit_api_test_gateway_LDADD = $(API_TEST_LIBS)
EVENTS_WORLD = tests/unit/api/events_world.c tests/unit/api/events_world.h
EVENTS_TEST_LIBS = libapi.a libsolo.a libstore.a libbase.a $(PROTOBUF_C_LIBS) $(ROCKSDB_LIBS) $(UNIT_LIBS)
tests_unit_api_test_events_SOURCES = tests/unit/api/test_events.c $(EVENTS_WORLD)
tests_unit_api_test_events_LDADD = $(EVENTS_TEST_LIBS)
tests_unit_api_test_events_many_SOURCES = tests/unit/api/test_events_many.c $(EVENTS_WORLD)
tests_unit_api_test_events_many_LDADD = $(EVENTS_TEST_LIBS)
tests_unit_api_test_rpc_watch_notices_SOURCES = tests/unit/api/test_rpc_watch_notices.c $(EVENTS_WORLD)
tests_unit_api_test_rpc_watch_notices_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_grpc_SOURCES = \
	tests/unit/api/test_grpc.c tests/unit/api/grpc_client.c tests/unit/api/grpc_client.h $(API_FIXTURE)
tests_unit_api_test_grpc_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_http_SOURCES = tests/unit/api/test_http.c $(API_FIXTURE)
tests_unit_api_test_http_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_trees_SOURCES = tests/unit/api/test_trees.c $(API_FIXTURE)
tests_unit_api_test_trees_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_member_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_members_SOURCES = tests/unit/api/test_members.c $(API_FIXTURE)
tests_unit_api_test_members_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_methods_SOURCES = tests/unit/api/test_methods.c $(API_FIXTURE)
tests_unit_api_test_methods_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_watch_SOURCES = tests/unit/api/test_watch.c $(API_FIXTURE)
tests_unit_api_test_watch_LDADD = $(API_TEST_LIBS)
RPC_FIXTURE = tests/unit/api/rpc_fixture.c tests/unit/api/rpc_fixture.h \
	tests/unit/api/grpc_client.c tests/unit/api/grpc_client.h $(API_FIXTURE)
tests_unit_api_test_rpc_auth_SOURCES = tests/unit/api/test_rpc_auth.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_auth_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_cluster_SOURCES = tests/unit/api/test_rpc_cluster.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_cluster_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_lease_SOURCES = tests/unit/api/test_rpc_lease.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_lease_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_kv_SOURCES = tests/unit/api/test_rpc_kv.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_kv_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_queue_SOURCES = tests/unit/api/test_rpc_queue.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_queue_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_maintenance_SOURCES = tests/unit/api/test_rpc_maintenance.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_maintenance_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_watch_SOURCES = tests/unit/api/test_rpc_watch.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_watch_LDADD = $(API_TEST_LIBS)
tests_unit_api_test_rpc_op_SOURCES = tests/unit/api/test_rpc_op.c $(RPC_FIXTURE)
tests_unit_api_test_rpc_op_LDADD = $(API_TEST_LIBS)
