# The files of raft/.
noinst_LIBRARIES += libraft.a
RAFT_SOURCES = \
	raft/bug.h \
	raft/config.c raft/config.h \
	raft/core.h \
	raft/election.c \
	raft/history.c raft/history.h \
	raft/holds.c \
	raft/leader.c \
	raft/lease.c raft/lease.h \
	raft/message.c \
	raft/progress.c raft/progress.h \
	raft/propose.c \
	raft/quorum.c raft/quorum.h \
	raft/raft.h \
	raft/read.c \
	raft/reads.c raft/reads.h \
	raft/recv_append.c \
	raft/recv_append_reply.c \
	raft/recv_heartbeat.c \
	raft/recv_vote.c \
	raft/replicate.c \
	raft/round.c \
	raft/snapshot.c \
	raft/state.c \
	raft/step.c \
	raft/trace.c \
	raft/trail.c raft/trail.h \
	raft/transfer.c \
	raft/update.c \
	raft/writes.c raft/writes.h
libraft_a_SOURCES = $(RAFT_SOURCES)
