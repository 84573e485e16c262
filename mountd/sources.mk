# The files of mountd/.
