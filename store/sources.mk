# The files of store/.
