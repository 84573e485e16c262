# The files of api/.
noinst_LIBRARIES += libcontrol.a

# The control protocol: both of its ends.
CONTROL_PROTO = api/control.pb-c.c api/control.pb-c.h
BUILT_SOURCES += $(CONTROL_PROTO)
api/control.pb-c.h: api/control.pb-c.c
EXTRA_DIST += api/control.proto
libcontrol_a_SOURCES = \
	api/control.c api/control.h \
	api/control_socket.c \
	api/field.c api/field.h \
	api/json.c api/json.h
nodist_libcontrol_a_SOURCES = $(CONTROL_PROTO)
CONTROL_LIBS = libcontrol.a libbase.a $(JANSSON_LIBS) $(PROTOBUF_C_LIBS)

# What etcd's clients speak.
ETCD_PROTOS = api/proto/auth.proto api/proto/health.proto api/proto/kv.proto api/proto/rpc.proto \
	api/proto/v3election.proto api/proto/v3lock.proto
ETCD_GENERATED_C = $(ETCD_PROTOS:.proto=.pb-c.c)
ETCD_GENERATED_H = $(ETCD_PROTOS:.proto=.pb-c.h)
BUILT_SOURCES += $(ETCD_GENERATED_C) $(ETCD_GENERATED_H)
$(ETCD_GENERATED_H): $(ETCD_GENERATED_C)
EXTRA_DIST += $(ETCD_PROTOS)

# The daemon's end.
noinst_LIBRARIES += libapi.a
nodist_libapi_a_SOURCES = $(ETCD_GENERATED_C) $(ETCD_GENERATED_H)
libapi_a_SOURCES = \
	api/api.c api/api.h \
	api/call.c api/call.h \
	api/connection.c api/connection.h \
	api/control_server.c api/control_server.h \
	api/endpoint.c api/endpoint.h \
	api/events.c api/events.h \
	api/events_index.c api/events_index.h \
	api/exchange.c api/exchange.h \
	api/front.c api/front.h \
	api/gateway.c api/gateway.h \
	api/grpc.c api/grpc.h \
	api/grpc_http.c \
	api/grpc_stream.c \
	api/health.c \
	api/http.c api/http.h \
	api/listener.c api/listener.h \
	api/reactor.c api/reactor.h \
	api/member.c api/member.h \
	api/method.c api/method.h \
	api/method_changes.c \
	api/method_keys.c \
	api/method_members.c \
	api/method_status.c \
	api/method_tree.c \
	api/proto_json.h \
	api/proto_json_read.c \
	api/proto_json_write.c \
	api/rpc.c api/rpc.h \
	api/rpc_answer.c api/rpc_answer.h \
	api/rpc_auth.c \
	api/rpc_bulk.c api/rpc_bulk.h \
	api/rpc_cluster.c \
	api/rpc_election.c \
	api/rpc_health.c \
	api/rpc_kv.c \
	api/rpc_lease.c api/rpc_lease.h \
	api/rpc_lock.c \
	api/rpc_maintenance.c \
	api/rpc_op.c api/rpc_op.h \
	api/range_counts.c api/range_counts.h \
	api/rpc_range.c api/rpc_range.h \
	api/rpc_queue.c api/rpc_queue.h \
	api/rpc_rows.h \
	api/rpc_watch.c \
	api/scope.h \
	api/service.h \
	api/shape.c api/shape.h \
	api/ticks.c api/ticks.h \
	api/timeout.c api/timeout.h \
	api/unpack.c api/unpack.h \
	api/watch.c api/watch.h
API_LIBS = libapi.a $(TREE_LIBS) $(CONTROL_LIBS) $(HTTP_PARSER_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS)
