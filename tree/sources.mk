# The files of tree/.
noinst_LIBRARIES += libtree.a
libtree_a_SOURCES = \
	tree/apply.c \
	tree/match.c tree/match.h \
	tree/plan.c \
	tree/read.c \
	tree/restore.c \
	tree/tree.h
# What it knows of attrs is fs/'s; of that library nothing else is linked for it.
TREE_LIBS = libtree.a libfs.a
