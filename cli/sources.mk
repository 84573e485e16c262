# The files of cli/.
