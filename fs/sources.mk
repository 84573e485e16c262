# The files of fs/.
