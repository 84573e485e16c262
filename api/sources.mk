# The files of api/.
