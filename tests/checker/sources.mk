# The checkers of histories: a library for simulators and unit tests, and a program for tests of real daemons.
check_LIBRARIES += libchecker.a
libchecker_a_SOURCES = \
	tests/checker/cache.c tests/checker/cache.h \
	tests/checker/component.c tests/checker/component.h \
	tests/checker/explain.c tests/checker/explain.h \
	tests/checker/history.c tests/checker/history.h \
	tests/checker/history_text.c \
	tests/checker/linear.c tests/checker/linear.h \
	tests/checker/reduce.c \
	tests/checker/search.c tests/checker/search.h \
	tests/checker/states.c tests/checker/states.h

check_PROGRAMS += tests/checker/linearizable
tests_checker_linearizable_SOURCES = tests/checker/linearizable.c
tests_checker_linearizable_LDADD = libchecker.a libbase.a
