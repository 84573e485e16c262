# The files of docs/.
