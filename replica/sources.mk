# The files of replica/.
noinst_LIBRARIES += libreplica.a
nodist_libreplica_a_SOURCES = replica/peer.pb-c.c replica/peer.pb-c.h
BUILT_SOURCES += replica/peer.pb-c.c replica/peer.pb-c.h
EXTRA_DIST += replica/peer.proto
libreplica_a_SOURCES = \
	replica/asks.c replica/asks.h \
	replica/barriers.c replica/barriers.h \
	replica/compactor.c replica/compactor.h \
	replica/configuration.c replica/configuration.h \
	replica/crew.c replica/crew.h \
	replica/decision.c replica/decision.h \
	replica/dialogue.c replica/dialogue.h \
	replica/entry.c replica/entry.h \
	replica/fetch.c replica/fetch.h \
	replica/frame.c replica/frame.h \
	replica/identity.c replica/identity.h \
	replica/inbound.c \
	replica/inquiries.c replica/inquiries.h \
	replica/job.c replica/job.h \
	replica/join.c replica/join.h \
	replica/lessor.c replica/lessor.h \
	replica/link.c \
	replica/loop.c replica/loop.h replica/loop_private.h \
	replica/loop_change.c \
	replica/loop_lease.c \
	replica/metrics.c \
	replica/node.h \
	replica/node_alarms.c \
	replica/node_apply.c \
	replica/node_facts.c \
	replica/node_join.c \
	replica/node_keeper.c \
	replica/node_lease.c \
	replica/node_log.c \
	replica/node_raft.c \
	replica/node_standing.c \
	replica/pending.c replica/pending.h \
	replica/recovery.c replica/recovery.h \
	replica/replica.c replica/replica.h \
	replica/reports.c replica/reports.h \
	replica/roll.c replica/roll.h \
	replica/roster.c replica/roster.h \
	replica/shelf.c replica/shelf.h \
	replica/snapshots.c replica/snapshots.h \
	replica/standing.c replica/standing.h \
	replica/status.c \
	replica/stream.c replica/stream.h \
	replica/transport.c replica/transport.h \
	replica/wire.c replica/wire.h
REPLICA_LIBS = libreplica.a libraft.a libstore.a libbase.a $(ROCKSDB_LIBS) $(NNG_LIBS) $(OPENSSL_LIBS) $(PROTOBUF_C_LIBS)
replica/peer.pb-c.h: replica/peer.pb-c.c
$(libreplica_a_OBJECTS): replica/peer.pb-c.h
