# The files of raft/.
