# The files of mountd/.
noinst_LIBRARIES += libmountd.a
libmountd_a_SOURCES = \
	mountd/cluster.c mountd/cluster.h \
	mountd/config.c mountd/config.h \
	mountd/machine.c \
	mountd/option.c mountd/option.h \
	mountd/option_table.c mountd/option_table.h \
	mountd/readiness.c mountd/readiness.h

sbin_PROGRAMS += etcfsd
etcfsd_SOURCES = mountd/main.c mountd/node.c mountd/node.h
etcfsd_LDADD = libmountd.a libapi.a libtree.a libfs.a libcontrol.a $(REPLICA_LIBS) $(FUSE3_LIBS) $(HTTP_PARSER_LIBS) $(NGHTTP2_LIBS) $(JANSSON_LIBS)
