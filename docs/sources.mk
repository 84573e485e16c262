# The files of docs/.
dist_man_MANS += docs/etcfs.1 docs/etcfsd.8
EXTRA_DIST += docs/inotify.md docs/wire-format.md docs/client-interfaces.md docs/etcfsd.service.in

# The unit names where the program and its options are.
systemdsystemunit_DATA = docs/etcfsd.service
CLEANFILES += docs/etcfsd.service
docs/etcfsd.service: docs/etcfsd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		$(srcdir)/docs/etcfsd.service.in >$@
